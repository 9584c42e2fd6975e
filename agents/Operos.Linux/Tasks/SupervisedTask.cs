namespace Operos.Linux.Tasks;

/// <summary>A part of a <see cref="TaskGroup"/>: it runs until it is cancelled, and ends of itself only by failing.</summary>
/// <param name="Name">What an operator knows it by: it begins what is said of its failure.</param>
/// <param name="RunAsync">Ends when its token is cancelled.</param>
public readonly record struct SupervisedTask(string Name, Func<CancellationToken, Task> RunAsync);
