namespace Operos.Controller.Configuration;

/// <summary>The configuration is not usable; each error names file, line and key.</summary>
internal sealed class ConfigurationException(IReadOnlyList<string> errors) : Exception(string.Join('\n', errors))
{
    public IReadOnlyList<string> Errors { get; } = errors;
}
