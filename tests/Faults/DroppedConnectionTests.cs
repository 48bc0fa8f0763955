using System.Net;
using System.Net.Sockets;
using Azure;
using Azure.Data.Tables;
using Sessions.Storage;

namespace Sessions.Tests;

/// <summary>
/// A write whose connection storage closes without a response may be stored. It must not be sent again, which .NET does by default for
/// requests without a body.
/// </summary>
public sealed class DroppedConnectionTests
{
    private static readonly TableEntity Row = new("partition", "row");

    [Fact]
    public Task An_insert_is_sent_once() => IsSentOnceAsync(table => table.TryAddAsync(Row, CancellationToken.None));

    [Fact]
    public Task A_change_is_sent_once() => IsSentOnceAsync(table => table.TryMergeAsync(Row, ETag.All, CancellationToken.None));

    [Fact]
    public Task A_deletion_is_sent_once()
        => IsSentOnceAsync(table => table.TryDeleteAsync(Row.PartitionKey, Row.RowKey, ETag.All, CancellationToken.None));

    [Fact]
    public Task A_transaction_is_sent_once()
        => IsSentOnceAsync(table => table.TrySubmitAsync([new(TableTransactionActionType.Add, Row)], CancellationToken.None));

    private static async Task IsSentOnceAsync(Func<TableClient, Task<Write>> write)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var connections = 0;
        _ = ServeAsync();
        var table = new TableServiceClient(
            $"DefaultEndpointsProtocol=http;AccountName=a;AccountKey=a2V5;TableEndpoint=http://{listener.LocalEndpoint}/a;",
            StorageClient.Options()).GetTableClient("table");
        await table.FindAsync(Row.PartitionKey, Row.RowKey, CancellationToken.None);

        Assert.Equal(WriteOutcome.Unknown, (await write(table)).Outcome);
        Assert.Equal(1, connections);

        // Responds to the first request, and closes the connection at the second. A third request would use another connection.
        async Task ServeAsync()
        {
            var buffer = new byte[16 * 1024];
            while (true)
            {
                using var connection = await listener.AcceptSocketAsync();
                connections++;
                await connection.ReceiveAsync(buffer);
                await connection.SendAsync("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"u8.ToArray());
                await connection.ReceiveAsync(buffer);
            }
        }
    }
}
