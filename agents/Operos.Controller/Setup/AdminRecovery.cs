using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using Operos.Authority;
using Operos.Controller.Configuration;
using Operos.Controller.Operators;

namespace Operos.Controller.Setup;

/// <summary>The way back in for whoever is root on the controller: a new admin, which the running controller knows at once.</summary>
internal static class AdminRecovery
{
    private const string Prefix = "recovered-";

    /// <returns>The new admin's name.</returns>
    /// <exception cref="IOException">The controller's state cannot be read, which takes root, or the folder not be written.</exception>
    public static string Run(ControllerPaths paths, ControllerSettings settings, string folder)
    {
        var authority = CertificateAuthority.Open(paths.Pki, TimeProvider.System);
        var operators = new OperatorRegistry(new OperatorStore(paths.Operators, NullLogger<OperatorStore>.Instance), authority,
            TimeProvider.System);
        operators.AdoptFirst();
        // A name that was never used: the running controller has no record of it in memory that it could write over this one.
        var taken = operators.All.Select(known => known.Name).ToHashSet();
        var name = Enumerable.Range(1, int.MaxValue).Select(number => $"{Prefix}{number}").First(free => !taken.Contains(free));
        CredentialFolder.Write(folder, operators, name, "recover-admin", authority, new IPEndPoint(settings.Address, settings.ControlPort));
        return name;
    }
}
