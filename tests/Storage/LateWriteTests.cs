using System.Net;
using Azure.Core;
using Azure.Data.Tables;

namespace Sessions.Tests;

/// <summary>A write that storage applies after its request has ended does not undo later changes.</summary>
public sealed class LateWriteTests(LateWriteTests.LateServer server) : IClassFixture<LateWriteTests.LateServer>
{
    private const string First = """{"participants":[{"participantId":"8f1e0b0a-5c5c-4f6e-9f3f-2f1f6f1d0c11"}]}""";
    private const string Second = """{"participants":[{"participantId":"8f1e0b0a-5c5c-4f6e-9f3f-2f1f6f1d0c12"}]}""";

    [Fact]
    public async Task A_late_write_does_not_create_a_deleted_resource_again()
    {
        var account = await server.NewWarmAccountAsync();
        var paths = new List<string>();

        await WithLateWriteAsync(async () =>
        {
            paths.Add($"/sessions/{await account.CreateSessionAsync()}");
            (await account.DeleteAsync(paths[^1])).Is(HttpStatusCode.NoContent);
        });
        await WithLateWriteAsync(async () =>
        {
            paths.Add($"/participants/{await account.CreateParticipantAsync()}");
            (await account.DeleteAsync(paths[^1])).Is(HttpStatusCode.NoContent);
        });

        foreach (var path in paths)
            Assert.Equal(HttpStatusCode.NotFound, (await account.GetAsync(path)).Status);
    }

    [Fact]
    public async Task A_late_write_does_not_restore_replaced_subscriptions()
    {
        var account = await server.NewWarmAccountAsync();
        var (session, participant) = await account.CreateMemberAsync();
        var member = $"/sessions/{session}/participants/{participant}";

        await WithLateWriteAsync(async () =>
        {
            (await account.PutAsync(member, First)).Is(HttpStatusCode.NoContent);
            (await account.PutAsync(member, Second)).Is(HttpStatusCode.NoContent);
        });

        Assert.Contains("0c12", (await account.GetAsync($"{member}/subscriptions")).Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_change_of_subscriptions_that_may_still_be_applied_returns_503()
    {
        var account = await server.NewWarmAccountAsync();
        var (session, participant) = await account.CreateMemberAsync();
        var path = $"/sessions/{session}/participants/{participant}/subscriptions";

        await WithLateWriteAsync(async () =>
            (await account.PutAsync(path, First)).IsError(HttpStatusCode.ServiceUnavailable, "The service is busy. Try again."));

        Assert.Contains("0c11", (await account.GetAsync(path)).Body, StringComparison.Ordinal);
    }

    /// <summary>Delays the first write of <paramref name="action"/> until after it.</summary>
    private async Task WithLateWriteAsync(Func<Task> action)
    {
        var done = new TaskCompletionSource();
        var writes = 0;
        server.Faults.Lateness = () => done.Task;
        server.Choose = request => request.Method != RequestMethod.Get && Interlocked.Increment(ref writes) == 1 ? StorageFault.Late : StorageFault.None;
        try
        {
            await action();
        }
        finally
        {
            done.SetResult();
            await server.Faults.LateOnesAsync();
        }
    }

    /// <summary>A server that gives up a late write after a second.</summary>
    public sealed class LateServer(AzuriteFixture azurite) : Server(azurite)
    {
        private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

        public Func<Request, StorageFault> Choose { get; set; } = _ => StorageFault.None;

        protected override void Configure(TableClientOptions options)
            => options.AddPolicy(new FaultPolicy(request => Choose(request), Patience), HttpPipelinePosition.PerRetry);
    }
}
