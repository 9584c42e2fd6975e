using System.Net;

namespace Operos.Kubernetes;

/// <summary>The API server refused (its <c>Status</c> object says why) or was not reached.</summary>
public sealed class ApiException : Exception
{
    internal ApiException(HttpStatusCode code, string? reason, string message, string body = "") : base(message) =>
        (Code, Reason, Body) = (code, reason, body);

    internal ApiException(string message, Exception cause) : base(message, cause) { }

    /// <summary>The HTTP status; null where no answer came.</summary>
    public HttpStatusCode? Code { get; }

    /// <summary>What came with the status, whole; empty where no answer came.</summary>
    public string Body { get; } = "";

    /// <summary>The machine's word of <c>Status.reason</c>, such as <c>NotFound</c> or <c>Expired</c>.</summary>
    public string? Reason { get; }
}
