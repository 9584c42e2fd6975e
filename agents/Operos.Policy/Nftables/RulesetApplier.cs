using System.Diagnostics;

namespace Operos.Policy.Nftables;

/// <summary>What one call of <see cref="RulesetApplier.ApplyAsync"/> did.</summary>
/// <param name="Bytes">Of the transaction; 0 where all was in force already.</param>
/// <param name="IsReplacement">Whether the whole table was made anew, still in one transaction.</param>
/// <param name="Elapsed">nft's run, its start included.</param>
public readonly record struct Applied(int Bytes, bool IsReplacement, TimeSpan Elapsed);

/// <summary>
/// Keeps the kernel's table at the ruleset that it was given last. Every change is one transaction: the old rules, or the new, and never
/// none.
/// </summary>
/// <param name="command">How nft is run, such as <c>nft</c>, or through nsenter.</param>
/// <param name="patience">How long one run of it may take; 30 s if not given.</param>
/// <param name="generation">
/// The kernel's number of all rules, another one after each change of anybody (null: not known); if not given, the table is read each time.
/// </param>
public sealed class RulesetApplier(IReadOnlyList<string>? command = null, TimeSpan? patience = null, Func<uint?>? generation = null)
    : IDisposable
{
    private static readonly string[] FromInput = ["-f", "-"];
    private readonly NftProgram nft = new(command ?? ["nft"], patience ?? TimeSpan.FromSeconds(30));
    private readonly SemaphoreSlim turn = new(1, 1);

    /// <summary>What the kernel holds as far as is known; null before the first look and after a failure.</summary>
    private Ruleset? inForce;

    /// <summary>What the generation was before the last look found <see cref="inForce"/>; null where something was changed since.</summary>
    private uint? looked;

    /// <summary>
    /// Takes what an earlier process left as what is in force, if it is a table of ours: it is then changed, not made anew.
    /// </summary>
    /// <returns>Whether there is such a table.</returns>
    public async Task<bool> AdoptAsync(CancellationToken cancellationToken)
    {
        await turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var now = generation?.Invoke();
            if (inForce is not null && now is not null && now == looked) return true;
            inForce = await ReadAsync(cancellationToken).ConfigureAwait(false);
            looked = now;
            return inForce is not null;
        }
        finally { turn.Release(); }
    }

    /// <summary>
    /// Brings a ruleset into force. One that cannot be reached by small changes, since somebody else changed the table, replaces it.
    /// </summary>
    /// <exception cref="NftException">Neither worked; what was in force still is.</exception>
    public async Task<Applied> ApplyAsync(Ruleset next, CancellationToken cancellationToken)
    {
        await turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var clock = Stopwatch.StartNew();
            var transaction = inForce is null ? RulesetTransaction.Replacing(next) : RulesetTransaction.Between(inForce, next);
            if (transaction.Text.Length > 0)
            {
                inForce = null;
                looked = null;
                try { await nft.RunAsync(FromInput, transaction.Text, cancellationToken).ConfigureAwait(false); }
                catch (NftException) when (!transaction.IsReplacement)
                {
                    transaction = RulesetTransaction.Replacing(next);
                    await nft.RunAsync(FromInput, transaction.Text, cancellationToken).ConfigureAwait(false);
                }
            }
            inForce = next;
            return new Applied(transaction.Text.Length, transaction.IsReplacement, clock.Elapsed);
        }
        finally { turn.Release(); }
    }

    /// <summary>Takes the table away: the node is none any more.</summary>
    public async Task RemoveAsync(CancellationToken cancellationToken)
    {
        await turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            inForce = null;
            await nft.RunAsync(FromInput, $"add table inet {Ruleset.Table}\ndelete table inet {Ruleset.Table}\n",
                cancellationToken).ConfigureAwait(false);
        }
        finally { turn.Release(); }
    }

    public void Dispose() => turn.Dispose();

    private async Task<Ruleset?> ReadAsync(CancellationToken cancellationToken)
    {
        try
        {
            // All tables are listed first: nft fails where it is asked for one that is not there.
            var tables = await nft.RunAsync(["-j", "list", "tables", "inet"], "", cancellationToken).ConfigureAwait(false);
            if (!tables.Contains($"\"{Ruleset.Table}\"", StringComparison.Ordinal)) return null;
            return RulesetReader.Read(await nft.RunAsync(["-j", "list", "table", "inet", Ruleset.Table], "",
                cancellationToken).ConfigureAwait(false));
        }
        catch (FormatException) { return null; }
    }
}
