using Operos.Proto;

namespace Operos.Controller.Operations;

/// <summary>Who asks for an operation.</summary>
/// <param name="Name">The operator's name.</param>
/// <param name="From">The address that the request came from.</param>
internal sealed record Caller(string Name, OperatorRole Role, string From);
