using System.Globalization;
using Azure;
using Azure.Data.Tables;

namespace Sessions.Tests.Simulation;

/// <summary>The behavior that the stores rely on, tested on a real table and on the simulated one.</summary>
public abstract class TableConformanceTests : IAsyncLifetime
{
    private static int _partitions;

    private readonly string _partition = $"account:{Interlocked.Increment(ref _partitions)}";

    private TableClient Table { get; set; } = null!;

    public async ValueTask InitializeAsync() => Table = await OpenAsync();

    public ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }

    protected abstract Task<TableClient> OpenAsync();

    [Fact]
    public async Task A_row_is_read_as_it_was_added()
    {
        var time = new DateTimeOffset(2030, 1, 2, 3, 4, 5, TimeSpan.Zero);
        var response = await Table.AddEntityAsync(new TableEntity(_partition, "row") { ["Text"] = "text", ["Empty"] = "", ["Missing"] = null, ["Time"] = time, ["Bytes"] = "bytes"u8.ToArray() });

        var found = await FindAsync("row");

        Assert.Equal(204, response.Status);
        Assert.Equal(response.Headers.ETag, found!.ETag);
        Assert.Equal((_partition, "row"), (found.PartitionKey, found.RowKey));
        Assert.Equal(("text", "", null), (found.GetString("Text"), found.GetString("Empty"), found.GetString("Missing")));
        Assert.False(found.ContainsKey("Missing"));
        Assert.Equal(time, found.GetDateTimeOffset("Time"));
        Assert.Equal("bytes"u8.ToArray(), found.GetBinary("Bytes"));
    }

    [Fact]
    public async Task Reading_a_missing_row_does_not_throw()
    {
        var found = await Table.GetEntityIfExistsAsync<TableEntity>(_partition, "row");

        Assert.False(found.HasValue);
        Assert.Equal(404, found.GetRawResponse().Status);
        Assert.True(found.GetRawResponse().Headers.TryGetValue("x-ms-error-code", out var code));
        Assert.Equal("ResourceNotFound", code);
    }

    [Fact]
    public async Task Changing_a_row_object_does_not_change_the_table()
    {
        var sent = Row("row", ("A", "1"));
        await Table.AddEntityAsync(sent);
        sent["A"] = "2";
        (await FindAsync("row"))!["A"] = "3";

        Assert.Equal("1", (await FindAsync("row"))!.GetString("A"));
    }

    [Fact]
    public async Task Adding_a_row_twice_conflicts()
    {
        await AddAsync("row", ("A", "1"));

        await FailsAsync(409, "EntityAlreadyExists", () => Table.AddEntityAsync(Row("row", ("A", "2"))));

        Assert.Equal("1", (await FindAsync("row"))!.GetString("A"));
    }

    [Fact]
    public async Task A_merge_changes_only_its_columns_and_the_ETag()
    {
        var first = await AddAsync("row", ("A", "1"), ("B", "1"));

        var second = (await Table.UpdateEntityAsync(Row("row", ("B", "2"), ("C", "2")), first)).Headers.ETag!.Value;
        var third = (await Table.UpdateEntityAsync(Row("row", ("C", "2")), second)).Headers.ETag!.Value;
        var any = (await Table.UpdateEntityAsync(Row("row", ("C", null)), ETag.All)).Headers.ETag!.Value;

        var found = (await FindAsync("row"))!;
        Assert.Equal(("1", "2", "2"), (found.GetString("A"), found.GetString("B"), found.GetString("C")));
        Assert.Equal(any, found.ETag);
        Assert.Equal(4, new[] { first, second, third, any }.Distinct().Count());
    }

    [Fact]
    public async Task A_merge_with_a_stale_ETag_changes_nothing()
    {
        var first = await AddAsync("row", ("A", "1"));
        var second = (await Table.UpdateEntityAsync(Row("row", ("A", "2")), first)).Headers.ETag;

        await FailsAsync(412, "UpdateConditionNotSatisfied", () => Table.UpdateEntityAsync(Row("row", ("A", "3")), first));

        Assert.Equal(("2", second), ((await FindAsync("row"))!.GetString("A"), (ETag?)(await FindAsync("row"))!.ETag));
    }

    [Fact]
    public async Task A_merge_of_a_missing_row_returns_404()
    {
        var gone = await AddAsync("row", ("A", "1"));
        await Table.DeleteEntityAsync(_partition, "row");

        await FailsAsync(404, "ResourceNotFound", () => Table.UpdateEntityAsync(Row("row", ("A", "1")), ETag.All));
        await FailsAsync(404, "ResourceNotFound", () => Table.UpdateEntityAsync(Row("row", ("A", "1")), gone));
    }

    [Fact]
    public async Task A_row_added_again_has_a_new_ETag()
    {
        var first = await AddAsync("row", ("A", "1"));
        await Table.DeleteEntityAsync(_partition, "row", first);

        Assert.NotEqual(first, await AddAsync("row", ("A", "1")));
    }

    [Fact]
    public async Task A_deletion_needs_the_current_ETag_and_returns_404_for_a_missing_row()
    {
        var first = await AddAsync("row", ("A", "1"));
        var second = (await Table.UpdateEntityAsync(Row("row", ("A", "2")), first)).Headers.ETag!.Value;

        await FailsAsync(412, "UpdateConditionNotSatisfied", () => Table.DeleteEntityAsync(_partition, "row", first));
        Assert.NotNull(await FindAsync("row"));
        Assert.Equal(204, (await Table.DeleteEntityAsync(_partition, "row", second)).Status);
        Assert.Null(await FindAsync("row"));
        Assert.Equal(404, (await Table.DeleteEntityAsync(_partition, "row", second)).Status);
        Assert.Equal(404, (await Table.DeleteEntityAsync(_partition, "row")).Status);
    }

    [Fact]
    public async Task A_query_returns_its_partition_in_key_order()
    {
        await AddAsync("session", ("A", "1"));
        var etag = await AddAsync("member:b", ("A", "2"));
        await AddAsync("member:a", ("A", "3"));
        await Table.AddEntityAsync(new TableEntity($"{_partition}0", "row"));

        var rows = await QueryAsync();

        Assert.Equal(["member:a", "member:b", "session"], rows.Select(row => row.RowKey));
        Assert.Equal(["3", "2", "1"], rows.Select(row => row.GetString("A")));
        Assert.Equal(etag, rows[1].ETag);
        Assert.All(rows, row => Assert.Equal(_partition, row.PartitionKey));
    }

    [Fact]
    public async Task A_query_of_an_empty_partition_returns_no_rows() => Assert.Empty(await QueryAsync());

    [Fact]
    public async Task A_range_query_returns_its_partitions_in_pages_in_key_order()
    {
        (string Partition, string Row)[] keys = [(":1", "row"), (":10", "b"), (":10", "a"), (":11:0", "row"), (":11:f", "row"), (":12", "row"), (":2", "row")];
        foreach (var (partition, row) in keys)
            await Table.AddEntityAsync(new TableEntity($"{_partition}{partition}", row));

        List<string[]> pages = [];
        await foreach (var page in Between(":1", ":12", maxPerPage: 3).AsPages())
            pages.Add([.. page.Values.Select(row => $"{row.PartitionKey[_partition.Length..]} {row.RowKey}")]);

        Assert.Equal([[":10 a", ":10 b", ":11:0 row"], [":11:f row"]], pages);
    }

    [Fact]
    public async Task A_range_query_without_matches_returns_one_empty_page()
        => Assert.Empty(Assert.Single(await Between(":1", ":2", maxPerPage: 3).AsPages().ToListAsync()).Values);

    [Fact]
    public async Task A_query_continues_with_the_remaining_rows_after_deletions()
    {
        foreach (var partition in new[] { ":1", ":2", ":3" })
            await Table.AddEntityAsync(new TableEntity($"{_partition}{partition}", "row"));

        List<string> rows = [];
        await foreach (var page in Between(":", ":4", maxPerPage: 1).AsPages())
        {
            rows.AddRange(page.Values.Select(row => row.PartitionKey[_partition.Length..]));
            foreach (var row in page.Values)
                await Table.DeleteEntityAsync(row.PartitionKey, row.RowKey);
        }

        Assert.Equal([":1", ":2", ":3"], rows);
    }

    [Fact]
    public async Task A_query_returns_the_selected_columns_and_the_ETag()
    {
        var etag = await AddAsync("row", ("A", "1"), ("B", "1"));

        var row = Assert.Single(await Table.QueryAsync<TableEntity>(
            TableClient.CreateQueryFilter($"PartitionKey eq {_partition}"), select: ["PartitionKey", "RowKey", "A"]).ToListAsync());

        Assert.Equal((_partition, "row", "1", etag), (row.PartitionKey, row.RowKey, row.GetString("A"), row.ETag));
        Assert.False(row.ContainsKey("B"));
    }

    [Fact]
    public async Task A_transaction_applies_all_actions_and_changes_the_ETags()
    {
        var header = await AddAsync("header", ("A", "1"), ("B", "1"));
        await AddAsync("old", ("A", "1"));

        var response = await Table.SubmitTransactionAsync(
            [Merge(Row("header", ("A", "2")), header), Add(Row("new", ("A", "2"))), Delete("old", ETag.All)]);

        var rows = await QueryAsync();
        Assert.Equal(202, response.GetRawResponse().Status);
        Assert.Equal(["header", "new"], rows.Select(row => row.RowKey));
        Assert.Equal(("2", "1"), (rows[0].GetString("A"), rows[0].GetString("B")));
        Assert.NotEqual(header, rows[0].ETag);
    }

    [Theory]
    [InlineData("stale", 412, "UpdateConditionNotSatisfied")]
    [InlineData("there already", 409, "EntityAlreadyExists")]
    [InlineData("missing for a merge", 404, "ResourceNotFound")]
    [InlineData("missing for a deletion", 404, "ResourceNotFound")]
    public async Task A_failed_transaction_changes_nothing_and_names_the_failed_action(string fault, int status, string code)
    {
        var stale = await AddAsync("header", ("A", "1"));
        var header = (await Table.UpdateEntityAsync(Row("header", ("A", "1")), stale)).Headers.ETag!.Value;
        var before = await QueryAsync();
        var bad = fault switch
        {
            "stale" => Delete("header", stale),
            "there already" => Add(Row("header")),
            "missing for a merge" => Merge(Row("none"), ETag.All),
            _ => Delete("none", ETag.All),
        };
        TableTransactionAction[] actions = bad.Entity.RowKey == "header"
            ? [Add(Row("new")), bad]
            : [Merge(Row("header", ("A", "2")), header), bad];

        var exception = await Assert.ThrowsAsync<TableTransactionFailedException>(() => Table.SubmitTransactionAsync(actions));

        Assert.Equal((status, code, 1), (exception.Status, exception.ErrorCode, exception.FailedTransactionActionIndex));
        Assert.Equal(before.Select(row => (row.RowKey, row.ETag)), (await QueryAsync()).Select(row => (row.RowKey, row.ETag)));
    }

    [Fact]
    public async Task A_failed_transaction_names_the_first_failed_action()
    {
        var stale = await AddAsync("header", ("A", "1"));
        await Table.UpdateEntityAsync(Row("header", ("A", "1")), stale);
        await AddAsync("member", ("A", "1"));

        var exception = await Assert.ThrowsAsync<TableTransactionFailedException>(
            () => Table.SubmitTransactionAsync([Merge(Row("header", ("A", "2")), stale), Add(Row("member"))]));

        Assert.Equal((412, 0), (exception.Status, exception.FailedTransactionActionIndex));
    }

    private static async Task FailsAsync(int status, string code, Func<Task> call)
    {
        var exception = await Assert.ThrowsAsync<RequestFailedException>(call);
        Assert.Equal((status, code), (exception.Status, exception.ErrorCode));
    }

    private static TableTransactionAction Add(TableEntity row) => new(TableTransactionActionType.Add, row);

    private static TableTransactionAction Merge(TableEntity row, ETag etag) => new(TableTransactionActionType.UpdateMerge, row, etag);

    private TableTransactionAction Delete(string rowKey, ETag etag) => new(TableTransactionActionType.Delete, Row(rowKey), etag);

    private TableEntity Row(string rowKey, params (string Name, string? Value)[] columns)
    {
        var row = new TableEntity(_partition, rowKey);
        foreach (var (name, value) in columns)
            row[name] = value;
        return row;
    }

    /// <summary>The rows of the partitions between two keys, queried as the sweep does.</summary>
    private AsyncPageable<TableEntity> Between(string after, string before, int maxPerPage) => Table.QueryAsync<TableEntity>(
        TableClient.CreateQueryFilter($"PartitionKey gt {_partition + after} and PartitionKey lt {_partition + before}"),
        maxPerPage,
        ["PartitionKey", "RowKey"]);

    private async Task<ETag> AddAsync(string rowKey, params (string Name, string? Value)[] columns)
        => (await Table.AddEntityAsync(Row(rowKey, columns))).Headers.ETag!.Value;

    private async Task<TableEntity?> FindAsync(string rowKey)
        => await Table.GetEntityIfExistsAsync<TableEntity>(_partition, rowKey) is { HasValue: true } found ? found.Value : null;

    private async Task<List<TableEntity>> QueryAsync()
    {
        List<TableEntity> rows = [];
        await foreach (var row in Table.QueryAsync<TableEntity>(TableClient.CreateQueryFilter($"PartitionKey eq {_partition}")))
            rows.Add(row);
        return rows;
    }

    public sealed class OfAzurite(OfAzurite.OneTable table) : TableConformanceTests, IClassFixture<OfAzurite.OneTable>
    {
        protected override Task<TableClient> OpenAsync() => Task.FromResult(table.Client);

        public sealed class OneTable(AzuriteFixture azurite) : IAsyncLifetime
        {
            public TableClient Client { get; } = new(azurite.NextConnectionString(), "conformance");

            public async ValueTask InitializeAsync() => await Client.CreateIfNotExistsAsync();

            public ValueTask DisposeAsync() => ValueTask.CompletedTask;
        }
    }

    public sealed class OfTheSimulation : TableConformanceTests
    {
        protected override Task<TableClient> OpenAsync()
        {
            var rows = new SimulatedRows();
            var writes = 0;
            return Task.FromResult<TableClient>(new SimulatedTable(
                "conformance", call => Task.FromResult(rows.Execute(call, new((++writes).ToString(CultureInfo.InvariantCulture))))));
        }
    }
}
