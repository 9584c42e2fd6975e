namespace Operos.Kubernetes.Tests;

/// <summary>A test of the native cluster; one that fails says what an operator would ask then.</summary>
public abstract class ClusterTest(Cluster cluster, ITestOutputHelper output) : IAsyncDisposable
{
    protected Cluster Cluster => cluster;
    protected ITestOutputHelper Output => output;

    public async ValueTask DisposeAsync()
    {
        if (TestContext.Current.TestState?.Result == TestResult.Failed) output.WriteLine(await cluster.DescribeAsync());
        GC.SuppressFinalize(this);
    }
}
