namespace Operos.Lab;

/// <summary>
/// Programs for who looks on at a cluster of the lab: operosctl, kubectl and ssh, each as its operator and in its network. They ask the
/// lab's folder each time, so that they are right from the start of a run, and say so when none runs.
/// </summary>
public static class OperatorPrograms
{
    /// <summary>What a run takes a while to make.</summary>
    private const string Looks = """
        say() { echo "$(basename "$0"): $1" >&2; exit 3; }
        owner=$(cut -d ' ' -f 1 "$rack/owner" 2> /dev/null) && [ -d "/proc/$owner" ] || say 'no cluster runs; make demo starts one'
        network=$(head -n 1 "$rack/namespaces" 2> /dev/null) || say 'the network is still being made; try again in a moment'
        [ -d "$rack/setup/admin" ] || say 'the controller is still being set up; try again in a minute'
        inside() { exec nsenter --net="/var/run/netns/$network" "$@"; }
        """;

    /// <summary>Replaces what a run of another build may have left.</summary>
    /// <param name="folder">Where they are put.</param>
    /// <param name="rack">The <see cref="LabFolder"/> of the run, which need not be there yet.</param>
    public static void Write(string folder, string rack, Build build)
    {
        Directory.CreateDirectory(folder);
        var admin = "--config \"$rack/setup/admin\"";
        var operosctl = LabNetwork.Quote(build.Binary("operosctl"));
        Write("operosctl", "operosctl as the operator", $"inside {operosctl} \"$@\" {admin}");
        Write("ssh", "root on a machine: ssh [ADDRESS [COMMAND]], the controller where no address is given", $"""
            address={ControllerDisk.Address}
            case $1 in [0-9]*) address=$1; shift ;; esac
            inside ssh -i "$rack/ssh-key" -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR \
                -o ConnectTimeout=60 -o ServerAliveInterval=10 "root@$address" "$@"
            """);
        var kubectl = Path.Combine(folder, "kubectl");
        if (!build.HasKubernetes) File.Delete(kubectl);
        // It has a certificate of its own, which operosctl renews: a cluster may run for longer than one lasts.
        else Write("kubectl", "kubectl as the operator", $"""
            kubeconfig=$rack/operator.kubeconfig
            [ -s "$kubeconfig" ] || (inside {operosctl} kubeconfig --renewing --out "$kubeconfig" {admin}) > /dev/null || exit
            inside {LabNetwork.Quote(Path.Combine(build.Out, "kubernetes/bin/kubectl"))} --kubeconfig "$kubeconfig" "$@"
            """);

        void Write(string name, string what, string command)
        {
            var path = Path.Combine(folder, name);
            File.WriteAllText(path + ".new", $"#!/bin/sh\n# {what}.\nrack={LabNetwork.Quote(rack)}\n{Looks}\n{command}\n");
            File.SetUnixFileMode(path + ".new", UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            File.Move(path + ".new", path, overwrite: true);
        }
    }
}
