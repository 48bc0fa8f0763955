namespace Sessions.Tests;

/// <summary>Polls with a time limit, for changes that raise no event.</summary>
internal static class Eventually
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    public static async Task IsAsync<T>(T expected, Func<T> actual)
    {
        using var limit = new CancellationTokenSource(Limit);
        while (!EqualityComparer<T>.Default.Equals(expected, actual()) && !limit.IsCancellationRequested)
            await Task.Delay(TimeSpan.FromMilliseconds(20));
        Assert.Equal(expected, actual());
    }
}
