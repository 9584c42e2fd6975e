using System.Net;
using Microsoft.Win32.SafeHandles;
using Operos.Init.Progress;
using Operos.Release;

namespace Operos.Init.Fetch;

/// <summary>
/// Fetches layers into memory by range requests over several connections. Each chunk is hashed as it arrives and counts only
/// when the manifest names it; a connection that drops resumes at the first chunk that is missing.
/// </summary>
internal sealed class LayerFetch(IPEndPoint server, FetchedManifest release, ManifestFetch source, string folder, BootLog log)
{
    private const int Connections = 4;
    private const int SpanChunks = 16;
    private static readonly TimeSpan RecheckInterval = TimeSpan.FromSeconds(3);

    private readonly Lock missingLock = new();
    private readonly Queue<ChunkSpan> missing = new();
    private readonly Dictionary<string, SafeFileHandle> files = [];
    private readonly CancellationTokenSource stop = new();
    private long fetched;
    private int working;
    private volatile bool doubtful;
    private volatile string lastError = "";
    private Exception? fatal;

    private readonly record struct ChunkSpan(ReleaseLayer Layer, int First, int Count);

    /// <summary>Bytes of verified chunks so far.</summary>
    public long Fetched => Interlocked.Read(ref fetched);

    /// <exception cref="ReleaseChangedException">The server has another release now: begin anew.</exception>
    public void Run(IReadOnlyList<ReleaseLayer> layers, FetchProgress progress)
    {
        foreach (var layer in layers) Enqueue(layer);
        var threads = Enumerable.Range(0, Connections).Select(_ => new Thread(Work) { IsBackground = true }).ToList();
        foreach (var thread in threads) thread.Start();
        try
        {
            var checkedAt = Environment.TickCount64;
            while (threads.Any(thread => thread.IsAlive))
            {
                threads.First(thread => thread.IsAlive).Join(100);
                progress.Report(Fetched, lastError);
                if (!doubtful || Environment.TickCount64 - checkedAt < RecheckInterval.TotalMilliseconds) continue;
                doubtful = false;
                checkedAt = Environment.TickCount64;
                source.RequireUnchanged(release);
            }
            if (fatal is not null) throw new BootException($"fetch: {fatal.Message}");
        }
        finally
        {
            stop.Cancel();
            foreach (var thread in threads) thread.Join();
            foreach (var file in files.Values) file.Dispose();
        }
    }

    private void Enqueue(ReleaseLayer layer)
    {
        var path = Path.Combine(folder, layer.File);
        files[layer.Name] = File.OpenHandle(path, FileMode.Create, FileAccess.ReadWrite, FileShare.Read, FileOptions.None, layer.Size);
        for (var first = 0; first < layer.Chunks.Count; first += SpanChunks)
            missing.Enqueue(new ChunkSpan(layer, first, Math.Min(SpanChunks, layer.Chunks.Count - first)));
    }

    private void Work()
    {
        using var connection = new HttpConnection(server);
        var buffer = new byte[release.Manifest.ChunkSize];
        var backoff = new Backoff(TimeSpan.FromMilliseconds(500), TimeSpan.FromSeconds(10));
        while (!stop.IsCancellationRequested)
        {
            ChunkSpan span;
            lock (missingLock)
            {
                if (!missing.TryDequeue(out span))
                {
                    // Another connection may fail and put back what it was fetching, so none ends before all have.
                    if (working == 0) return;
                    span = default;
                }
                else working++;
            }
            if (span.Layer is null)
            {
                Thread.Sleep(20);
                continue;
            }
            var done = 0;
            try
            {
                Fetch(connection, span, buffer, ref done);
                backoff.Reset();
            }
            catch (FetchException e)
            {
                connection.Dispose();
                lastError = e.Message;
                doubtful = true;
                Interlocked.Increment(ref log.Retries);
            }
            catch (Exception e)
            {
                fatal = e;
                stop.Cancel();
            }
            lock (missingLock)
            {
                working--;
                if (done < span.Count) missing.Enqueue(span with { First = span.First + done, Count = span.Count - done });
            }
            if (done < span.Count) stop.Token.WaitHandle.WaitOne(done > 0 ? TimeSpan.FromMilliseconds(100) : backoff.Next());
        }
    }

    private void Fetch(HttpConnection connection, ChunkSpan span, byte[] buffer, ref int done)
    {
        var layer = span.Layer;
        var chunkSize = (long)release.Manifest.ChunkSize;
        var from = span.First * chunkSize;
        var to = Math.Min((span.First + span.Count) * chunkSize, layer.Size) - 1;
        var path = $"/releases/{release.Manifest.Version}/{layer.File}";
        var head = connection.Get(path, from, to);
        if (head.Status != 206) throw new HttpStatusException(head.Status, path);
        if (head.RangeStart != from || head.Length != to - from + 1 || head.RangeTotal != layer.Size)
            throw new FetchException($"{path}: the server sent another range than was asked for; the file may have been replaced");
        for (; done < span.Count; done++)
        {
            if (stop.IsCancellationRequested) return;
            var index = span.First + done;
            var chunk = buffer.AsSpan(0, (int)Math.Min(chunkSize, layer.Size - index * chunkSize));
            connection.ReadBody(chunk);
            if (!ReleaseVerifier.Matches(chunk, layer.Chunks[index]))
            {
                Interlocked.Increment(ref log.RefusedChunks);
                throw new FetchException($"{layer.File}: chunk {index} does not match the signed release; refused");
            }
            RandomAccess.Write(files[layer.Name], chunk, index * chunkSize);
            Interlocked.Add(ref fetched, chunk.Length);
        }
    }
}
