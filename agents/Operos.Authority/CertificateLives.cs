namespace Operos.Authority;

/// <summary>How long a kind of certificate lives: where nothing else is asked for, and within which bounds it may be asked for.</summary>
public sealed record LifeBounds(TimeSpan Default, TimeSpan Shortest, TimeSpan Longest)
{
    public bool Allow(TimeSpan life) => life >= Shortest && life <= Longest;
}

/// <summary>How long certificates live: every life time there is, by its name in README.md.</summary>
public static class CertificateLives
{
    /// <summary>
    /// Each authority's own certificate. One that ends sooner than <see cref="AuthorityWarning"/> is told: another has to follow it.
    /// </summary>
    public static readonly TimeSpan Authority = TimeSpan.FromDays(3650), AuthorityWarning = TimeSpan.FromDays(180);

    /// <summary>
    /// The control endpoint's certificate. It is made anew, with a new key, at each start and after <see cref="ControlServerRenewal"/>.
    /// </summary>
    public static readonly TimeSpan ControlServer = TimeSpan.FromDays(365), ControlServerRenewal = TimeSpan.FromDays(30);

    /// <summary>A machine's, with which its agent speaks to the controller: <c>pki.worker-certificate</c>.</summary>
    public static readonly LifeBounds Machine = new(TimeSpan.FromDays(30), TimeSpan.FromMinutes(1), TimeSpan.FromDays(400));

    /// <summary>An operator's: <c>operosctl operators add --life</c>.</summary>
    public static readonly LifeBounds Operator = new(TimeSpan.FromDays(365), TimeSpan.FromMinutes(1), TimeSpan.FromDays(3 * 365));

    /// <summary>Of the control plane's components, of etcd and the front proxy, and of nodes: <c>kubernetes.certificate-life</c>.</summary>
    public static readonly LifeBounds Kubernetes = new(TimeSpan.FromDays(30), TimeSpan.FromMinutes(6), TimeSpan.FromDays(400));

    /// <summary>A user's of the Kubernetes API, in a kubeconfig; nobody can take it back.</summary>
    public static readonly LifeBounds KubernetesUser = new(TimeSpan.FromHours(1), TimeSpan.FromMinutes(1), TimeSpan.FromDays(1));

    /// <summary>
    /// For clocks that are behind, a certificate begins so long before it was signed: an authority's, one of Kubernetes'.
    /// </summary>
    internal static readonly TimeSpan AuthorityBackdate = TimeSpan.FromDays(1), KubernetesBackdate = TimeSpan.FromMinutes(5);

    /// <summary>As above, for machines, operators and the control endpoint.</summary>
    private static readonly TimeSpan LongestBackdate = TimeSpan.FromHours(1);

    /// <summary>A share of the life at most: its holder reckons from both ends when to renew it.</summary>
    internal static TimeSpan Backdate(TimeSpan life) => life / 10 < LongestBackdate ? life / 10 : LongestBackdate;
}
