namespace Operos.Lab;

/// <summary>swtpm, a TPM 2.0 in a process of its own, which ends when QEMU does.</summary>
internal static class SoftwareTpm
{
    public static string SocketPath(VirtualMachineOptions options, LabFolder folder) => folder.SocketPath($"{options.Name}.tpm");

    public static void Start(VirtualMachineOptions options, LabNetwork network, LabFolder folder)
    {
        Directory.CreateDirectory(options.TpmState!);
        var socket = SocketPath(options, folder);
        // One that was killed leaves its socket.
        File.Delete(socket);
        string[] arguments = ["socket", "--tpm2", "--terminate", "--tpmstate", $"dir={options.TpmState}", "--ctrl",
            $"type=unixio,path={socket}"];
        network.Start("swtpm", arguments, folder[$"{options.Name}.tpm.log"]);
        for (var attempt = 0; !File.Exists(socket); attempt++)
        {
            if (attempt > 100) throw new LabException($"swtpm did not start within 5 s: {folder[$"{options.Name}.tpm.log"]}");
            Thread.Sleep(50);
        }
    }
}
