namespace Operos.Init.Fetch;

/// <summary>A fetch failed and may work when tried again.</summary>
internal class FetchException(string message) : Exception(message);

/// <summary>The server answered with a status that is no success.</summary>
internal sealed class HttpStatusException(int status, string path) : FetchException($"{path}: the server answered {status}")
{
    public int Status { get; } = status;
}

/// <summary>The release on the server is another than the one that this boot began with.</summary>
internal sealed class ReleaseChangedException(string message) : Exception(message);
