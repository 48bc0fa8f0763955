using System.Security;
using Azure;
using Sessions.Storage;

namespace Sessions.Tests;

/// <summary>The failures of a storage call after which a retry can help, and those in which nothing was sent.</summary>
public sealed class TransientFailureTests
{
    private static readonly Exception Busy = new RequestFailedException(503, "internal text");
    private static readonly Exception Refused = new RequestFailedException(403, "internal text");

    [Fact]
    public void A_missing_response_is_a_transient_failure()
        => Assert.All(
            [new IOException(), new OperationCanceledException(), new TaskCanceledException(), new StorageUnavailableException("internal text")],
            (Exception exception) => Assert.True(StorageFaults.IsTransient(exception)));

    [Fact]
    public void A_programming_error_is_not_a_transient_failure()
        => Assert.All(
            [new InvalidOperationException(), new SecurityException(), new NotSupportedException()],
            (Exception exception) => Assert.False(StorageFaults.IsTransient(exception)));

    [Fact]
    public void Several_failures_are_transient_only_if_each_of_them_is()
    {
        Assert.True(StorageFaults.IsTransient(new AggregateException(Busy, new IOException())));
        Assert.False(StorageFaults.IsTransient(new AggregateException(Busy, Refused)));
        Assert.False(StorageFaults.IsTransient(new AggregateException(Refused, Busy)));
        Assert.False(StorageFaults.IsTransient(new AggregateException()));
    }

    [Theory]
    [InlineData(HttpRequestError.ConnectionError, true)]
    [InlineData(HttpRequestError.NameResolutionError, true)]
    [InlineData(HttpRequestError.ResponseEnded, false)]
    [InlineData(HttpRequestError.Unknown, false)]
    public void Only_a_call_without_a_connection_certainly_sent_nothing(HttpRequestError error, bool isUnreached)
        => Assert.Equal(isUnreached, StorageFaults.IsUnreached(new(0, "internal text", new HttpRequestException(error))));

    [Fact]
    public void A_rejected_call_counts_as_sent()
        => Assert.False(StorageFaults.IsUnreached(new(503, "internal text")));
}
