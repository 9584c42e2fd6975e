namespace Operos.Storage.Looks;

/// <summary>What follows from how a disk is attached.</summary>
internal static class Transports
{
    /// <summary>Whether a disk of ours may be attached so: it is this machine's own, and stays in it.</summary>
    public static bool IsOwn(this Transport transport) => transport != Transport.File && transport.WhyNotUsed() is null;

    /// <summary>
    /// Whether it is read at all. What is never used need not be asked: another machine's disk may not answer, and a drive would start to
    /// turn.
    /// </summary>
    public static bool IsLookedAt(this Transport transport) =>
        transport is not (Transport.Network or Transport.Stacked or Transport.Optical or Transport.Floppy);

    /// <summary>Why a disk so attached is of no use, in words; null where it is of use. Files are of use in simulations alone.</summary>
    public static string? WhyNotUsed(this Transport transport) => transport switch
    {
        Transport.Usb => "it is attached by USB",
        Transport.Network => "it is attached over a network, and others may use it",
        Transport.Stacked => "it is made of other devices",
        Transport.Memory => "it is memory",
        Transport.Optical or Transport.Floppy => "it is a drive for media",
        Transport.Unknown => "how it is attached is not known",
        _ => null,
    };
}
