using Xunit.Sdk;
using Xunit.v3;

[assembly: TestCollectionOrderer(typeof(Sessions.Tests.LongestFirst))]

namespace Sessions.Tests;

/// <summary>
/// Starts the test classes first that take long because they wait, so that the others run meanwhile and no long class is left at the end.
/// </summary>
public sealed class LongestFirst : ITestCollectionOrderer
{
    // Only one of them keeps Azurite busy, so that its calls do not time out.
    private static readonly string[] Classes = ["FaultMatrixTests", "TemplateTests", "DeploymentTests", "LocalHostTests", "MediaTests"];

    /// <inheritdoc />
    public IReadOnlyCollection<TTestCollection> OrderTestCollections<TTestCollection>(IReadOnlyCollection<TTestCollection> testCollections)
        where TTestCollection : ITestCollection
        => [.. testCollections.OrderBy(PlaceOf)];

    private static int PlaceOf<TTestCollection>(TTestCollection collection)
        where TTestCollection : ITestCollection
    {
        var place = Array.FindIndex(Classes, name => collection.TestCollectionDisplayName.Contains($".{name} ", StringComparison.Ordinal));
        return place < 0 ? Classes.Length : place;
    }
}
