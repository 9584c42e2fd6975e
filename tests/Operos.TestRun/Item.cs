namespace Operos.TestRun;

/// <summary>What is run and counted as one: a test project, a part of one, a script, or what makes the release.</summary>
internal sealed record Item
{
    /// <summary>As reports and logs call it, such as <c>Operos.Qemu.Tests canary</c>.</summary>
    public required string Name { get; init; }

    /// <summary>The program and its arguments; a test project's program gets more (<see cref="ItemRun"/>).</summary>
    public required IReadOnlyList<string> Command { get; init; }

    public required TimeSpan Limit { get; init; }

    /// <summary>A program of xUnit.net: it tells of each test. Anything else passes with exit code 0.</summary>
    public bool IsProject { get; init; }

    /// <summary>What chooses tests of a project, in the words of its runner.</summary>
    public IReadOnlyList<string> Filter { get; init; } = [];

    /// <summary>The names of the items without which this one makes no sense: it is not started when one of them failed.</summary>
    public IReadOnlyList<string> Needs { get; init; } = [];

    /// <summary>Why all its tests are skipped; null where they are not.</summary>
    public string? Skip { get; init; }

    /// <summary>Added to our own.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();

    /// <summary>The release is no test: it counts only if it fails.</summary>
    public bool IsTest { get; init; } = true;

    /// <summary>Of logs: without what a shell would have to quote.</summary>
    public string FileName => Name.Split('/')[^1].Replace(' ', '.');
}

/// <summary>Items that run beside each other: the first has the CPU when it wants it; scripts beside it tell when they are done.</summary>
internal sealed record Group(params IReadOnlyList<Item> Items);

internal sealed record Stage(string Name, IReadOnlyList<Group> Groups);
