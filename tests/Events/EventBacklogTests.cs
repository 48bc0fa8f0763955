using System.Diagnostics.Metrics;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Extensions.Logging.Abstractions;
using Sessions.Endpoints;
using Sessions.Events;
using Sessions.Storage;

namespace Sessions.Tests.Events;

/// <summary>The metric <c>sessions.events.age</c>.</summary>
public sealed class EventBacklogTests(AzuriteFixture azurite) : IAsyncLifetime
{
    private readonly Server _server = new(azurite);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private Queues Queues => _server.Service<Queues>();

    public async ValueTask InitializeAsync()
    {
        await _server.InitializeAsync();
        _server.Time.Stop();
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task The_age_of_a_handled_message_is_measured_from_the_time_it_became_visible()
    {
        await Queues.CreateAsync(Cancellation);
        await new EventMessage("9900000", "9900000:a", null, 0).SendAsync(Queues.Events, TimeSpan.FromSeconds(1), _server.Time, Cancellation);
        var message = await ReceiveAsync();
        _server.Time.Advance(TimeSpan.FromSeconds(91));
        using var ages = new Ages();

        await _server.Service<EventDelivery>().RunAsync(message, Cancellation);

        Assert.Equal([90], ages.Measured);
    }

    [Fact]
    public async Task The_sweep_measures_the_age_of_unhandled_messages()
    {
        await Queues.CreateAsync(Cancellation);
        foreach (var partition in new[] { "9900000:a", "9900000:b" })
        {
            await new EventMessage("9900000", partition, _server.Time.GetUtcNow(), 0).SendAsync(Queues.Events, TimeSpan.Zero, _server.Time, Cancellation);
            _server.Time.Advance(TimeSpan.FromMinutes(5));
        }

        using var ages = new Ages();
        await new SweepExpired(
            _server.Service<Sweeper>(), _server.Service<LogSweeper>(), _server.Service<EventBacklog>(), NullLogger<SweepExpired>.Instance)
            .Run(new TimerInfo(), Cancellation);

        Assert.Equal([600, 300], ages.Measured);
    }

    [Fact]
    public async Task Messages_without_a_time_or_without_JSON_are_not_measured()
    {
        await Queues.CreateAsync(Cancellation);
        await Queues.SendAsync(Queues.Events, """{"account":"9900000","partition":"9900000:a","sent":null,"looks":0}""", TimeSpan.Zero, Cancellation);
        await Queues.SendAsync(Queues.Events, "not JSON", TimeSpan.Zero, Cancellation);
        using var ages = new Ages();

        await _server.Service<EventBacklog>().MeasureAsync(Cancellation);

        Assert.Empty(ages.Measured);
    }

    [Fact]
    public async Task A_missing_queue_is_not_an_error_and_nothing_is_measured()
    {
        using var ages = new Ages();

        await _server.Service<EventBacklog>().MeasureAsync(Cancellation);

        Assert.Empty(ages.Measured);
    }

    private async Task<string> ReceiveAsync()
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        patience.CancelAfter(TimeSpan.FromSeconds(30));
        while (true)
        {
            if ((await Queues.Events.ReceiveMessageAsync(cancellationToken: patience.Token)).Value is { } message)
                return message.Body.ToString();

            await Task.Delay(50, patience.Token);
        }
    }

    /// <summary>The ages that this test measures. Concurrent tests measure others.</summary>
    private sealed class Ages : IDisposable
    {
        private static readonly AsyncLocal<Ages?> Current = new();

        private readonly MeterListener _listener = new();

        public Ages()
        {
            Current.Value = this;
            _listener.SetMeasurementEventCallback<double>((_, age, _, _) =>
            {
                if (Current.Value == this)
                    Measured.Add(Math.Round(age));
            });
            _listener.EnableMeasurementEvents(Telemetry.EventsAge);
            _listener.Start();
        }

        public List<double> Measured { get; } = [];

        public void Dispose() => _listener.Dispose();
    }
}
