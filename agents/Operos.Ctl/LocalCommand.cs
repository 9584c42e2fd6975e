using System.CommandLine;

namespace Operos.Ctl;

/// <summary>A command that asks no controller, nor does what is below it: it has no use for credentials.</summary>
internal sealed class LocalCommand(string name, string description) : Command(name, description);
