using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Text.Json;
using Azure.Data.Tables;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using Sessions.Events;
using Sessions.Model;
using Sessions.Storage;
using Sessions.Webhooks;

namespace Sessions.Tests.Webhooks;

/// <summary>
/// An account with a log, whose webhooks are delivered over separate tables. Only the test advances the time. The queue is a list, from
/// which a message is handled when it is due and the test asks for it.
/// </summary>
internal sealed class WebhookBench : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    private readonly List<(AccountId Account, string Webhook, DateTimeOffset Visible)> _messages = [];
    private readonly List<WebhookClient> _clients = [];
    private readonly ConcurrentQueue<string> _lines = new();
    private long _head;

    private WebhookBench(string connectionString)
    {
        ConnectionString = connectionString;
        Tables = new(new TableServiceClient(connectionString, PatientStorage.Options()));
        Messages = new((text, delay, cancellation) =>
        {
            Assert.True(WebhookMessages.TryRead(text, out var account, out var webhook, out _));
            lock (_messages)
                _messages.Add((account, webhook!, Time.GetUtcNow() + delay));
            return Task.CompletedTask;
        });
        Log = new(Tables);
        Store = new(Tables, Time);
        Failed = new(Tables, Messages, Time);
        Delivery = NewServer();
    }

    public static AccountId Account { get; } = AccountId.Parse("9900000");

    public FakeTimeProvider Time { get; } = new(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero));

    public string ConnectionString { get; }

    public Tables Tables { get; }

    public EventLog Log { get; }

    public WebhookStore Store { get; }

    public FailedEvents Failed { get; }

    public WebhookMessages Messages { get; }

    public WebhookDelivery Delivery { get; }

    /// <summary>All log lines of the servers.</summary>
    public IReadOnlyCollection<string> Lines => _lines;

    /// <summary>The time until each message becomes visible.</summary>
    public IReadOnlyList<TimeSpan> Delays
    {
        get
        {
            lock (_messages)
                return [.. _messages.Select(message => message.Visible - Time.GetUtcNow()).Order()];
        }
    }

    public static async Task<WebhookBench> StartAsync(AzuriteFixture azurite)
    {
        var bench = new WebhookBench(azurite.NextConnectionString());
        await bench.Tables.CreateAsync(CancellationToken.None);
        return bench;
    }

    /// <summary>Another server over the same tables.</summary>
    public WebhookDelivery NewServer(WebhookOptions? options = null, NameResolver? resolve = null)
    {
        var client = new WebhookClient(options ?? WebhookOptions.Local, Time, resolve ?? Dns.GetHostAddressesAsync);
        _clients.Add(client);
        return new(Tables, Log, Store, Failed, client, Messages, Time, new LineLogger(_lines));
    }

    public Task<Webhook> AddAsync(Receiver receiver, params string[] events) => AddAsync(receiver.Url, events);

    public async Task<Webhook> AddAsync(Uri url, params string[] events) => await Store.AddAsync(Account, url, events, _head, CancellationToken.None);

    /// <summary>Appends events to the log, as the delivery of events does, and returns their ids.</summary>
    public async Task<string[]> AppendAsync(params IReadOnlyList<(string Type, Guid? Session, Guid? Participant)> events)
    {
        List<string> ids = [];
        foreach (var chunk in events.Chunk(TableCalls.MaxTransactionActions - 1))
        {
            List<TableTransactionAction> actions = [];
            foreach (var (type, session, participant) in chunk)
            {
                _head++;
                ids.Add(string.Create(CultureInfo.InvariantCulture, $"evt_{session ?? participant:N}_{_head}"));
                var data = new EventData(Account.ToString(), session?.ToString(), participant?.ToString(), null, null);
                actions.Add(new(TableTransactionActionType.Add, new TableEntity(Account.ToString(), string.Create(CultureInfo.InvariantCulture, $"log:{_head:D15}"))
                {
                    ["Id"] = ids[^1],
                    ["Type"] = type,
                    ["Time"] = Time.GetUtcNow(),
                    ["Data"] = JsonSerializer.SerializeToUtf8Bytes(data, WebhookFormat.Default.EventData),
                    ["Expires"] = Time.GetUtcNow().AddDays(7),
                }));
            }

            actions.Add(new(TableTransactionActionType.UpsertReplace, new TableEntity(Account.ToString(), "head") { ["Position"] = _head }));
            await Tables.Events.SubmitTransactionAsync(actions);
        }

        return [.. ids];
    }

    /// <summary>One event of a session.</summary>
    public async Task<string> AppendAsync(Guid session) => (await AppendAsync((EventTypes.SessionCreated, session, null)))[0];

    /// <summary>Sends messages for new events, and handles them.</summary>
    public async Task DeliverAsync()
    {
        await Delivery.WakeAsync(Account, CancellationToken.None);
        await RunDueAsync();
    }

    /// <summary>Handles the visible messages, and those that they send without a delay, all concurrently as a host does.</summary>
    public async Task RunDueAsync(WebhookDelivery? server = null)
    {
        while (TakeDue() is { Count: > 0 } due)
        {
            await Task.WhenAll(due.Select(message => (server ?? Delivery).RunAsync(message.Account, message.Webhook, CancellationToken.None)))
                .WaitAsync(Patience);
        }
    }

    /// <summary>Advances the time until the next message is visible, and handles it. Returns that time.</summary>
    public async Task<DateTimeOffset> RunNextAsync()
    {
        Time.Advance(Delays[0]);
        var now = Time.GetUtcNow();
        await RunDueAsync();
        return now;
    }

    /// <summary>Waits until a condition is true.</summary>
    public static async Task UntilAsync(Func<bool> isTrue)
    {
        using var timeout = new CancellationTokenSource(Patience);
        while (!isTrue())
            await Task.Delay(5, timeout.Token);
    }

    /// <summary>The rows of a webhook's progress, by row key.</summary>
    public async Task<IReadOnlyDictionary<string, TableEntity>> RowsAsync(Webhook webhook)
        => await Tables.Events.QueryAsync<TableEntity>(TableClient.CreateQueryFilter($"PartitionKey eq {$"{Account}:{webhook.Id}"}"))
            .ToDictionaryAsync(row => row.RowKey);

    /// <summary>Checks that everything up to the head of the log is delivered, nobody holds the lease, and no event waits.</summary>
    public async Task IsDoneAsync(Webhook webhook)
    {
        var rows = await RowsAsync(webhook);
        Assert.Equal(["cursor"], rows.Keys);
        Assert.Equal((_head, ""), (rows["cursor"].GetInt64("Position"), rows["cursor"].GetString("Holder")));
    }

    public void Dispose() => _clients.ForEach(client => client.Dispose());

    private List<(AccountId Account, string Webhook)> TakeDue()
    {
        lock (_messages)
        {
            var due = _messages.Where(message => message.Visible <= Time.GetUtcNow()).ToList();
            _messages.RemoveAll(due.Contains);
            return [.. due.Select(message => (message.Account, message.Webhook))];
        }
    }

    private sealed class LineLogger(ConcurrentQueue<string> lines) : ILogger<WebhookDelivery>
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, Microsoft.Extensions.Logging.EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
            => lines.Enqueue($"{logLevel} {formatter(state, exception)} {exception}");
    }
}
