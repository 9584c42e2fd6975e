using Xunit.Sdk;
using Xunit.v3;

namespace Operos.Kubernetes.Tests;

/// <summary>Puts <see cref="Cluster.Last"/> behind all others: what fails in a minute is told before what takes ten.</summary>
public sealed class CollectionOrder : ITestCollectionOrderer
{
    public IReadOnlyCollection<T> OrderTestCollections<T>(IReadOnlyCollection<T> testCollections) where T : ITestCollection =>
        [.. testCollections.OrderBy(collection => collection.TestCollectionDisplayName == Cluster.Last)
            .ThenBy(collection => collection.TestCollectionDisplayName, StringComparer.Ordinal)];
}
