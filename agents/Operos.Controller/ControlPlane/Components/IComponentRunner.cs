namespace Operos.Controller.ControlPlane.Components;

/// <summary>What runs the components: systemd on a controller, this agent itself where there is no systemd.</summary>
internal interface IComponentRunner
{
    /// <summary>Starts a component that does not run, and restarts one that runs with other arguments. Says why it does not run; null where it does.</summary>
    Task<string?> EnsureAsync(Component component, CancellationToken cancellationToken);

    Task RestartAsync(Component component, CancellationToken cancellationToken);

    /// <summary>The component's last words, for an error's text; empty where it said nothing.</summary>
    Task<string> LastWordsAsync(string name, CancellationToken cancellationToken);

    /// <summary>The agent ends: stops what would not live on in good order.</summary>
    Task EndAsync();

    /// <summary>What <c>kube-apiserver --version</c> prints.</summary>
    Task<string> AskVersionAsync(CancellationToken cancellationToken);
}
