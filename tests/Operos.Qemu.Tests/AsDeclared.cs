using Xunit.Sdk;
using Xunit.v3;

namespace Operos.Qemu.Tests;

/// <summary>Runs the tests of a class as they stand in it: what leaves a rack with less than it had comes last.</summary>
public sealed class AsDeclared : ITestCaseOrderer
{
    public IReadOnlyCollection<TTestCase> OrderTestCases<TTestCase>(IReadOnlyCollection<TTestCase> testCases)
        where TTestCase : notnull, ITestCase => [.. testCases.OrderBy(one => one.TestMethodMetadataToken)];
}
