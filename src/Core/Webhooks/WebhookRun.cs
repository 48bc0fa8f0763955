using Azure.Data.Tables;
using Microsoft.Extensions.Logging;

namespace Sessions.Webhooks;

/// <summary>The result of a run.</summary>
internal enum RunEnd
{
    /// <summary>Every event is delivered, or held until later.</summary>
    Done,

    /// <summary>There are more events, and another run must continue.</summary>
    More,

    /// <summary>Another server has taken over, or must do so.</summary>
    LeaseLost,
}

/// <summary>Sends to one webhook under its lease: the held events that are due, and the entries of the log after the cursor.</summary>
internal sealed partial class WebhookRun(
    Webhook webhook,
    WebhookProgress progress,
    WebhookParts parts,
    ServedWebhook served,
    DateTimeOffset end,
    CancellationToken cancellation)
{
    private const int MostAtOnce = 32;

    // The most events that are sent again after a crash.
    private const int Window = 1_000;

    // When this many events are held, no more of the log is read, so that a receiver that accepts nothing cannot fill the memory.
    private const int MostHeld = 5_000;

    private const int MostUnwritten = 500;

    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan WriteEvery = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan RenewBefore = TimeSpan.FromSeconds(40);
    private static readonly TimeSpan LeastLease = WebhookClient.TryTimeout + TimeSpan.FromSeconds(5);

    // If the clock of the queue is ahead of this one, a message may already be visible shortly before its time.
    private static readonly TimeSpan WakeMargin = TimeSpan.FromSeconds(5);

    private readonly ILogger _logger = parts.Logger;
    private readonly DeliveryOrder _order = new();
    private readonly List<TableTransactionAction> _changes = [];
    private Webhook _webhook = webhook;
    private long _read = progress.Position;
    private bool _mayHaveMore = true;
    private bool _isEnded;
    private int _held = progress.Held.Count;
    private int _inFlight;
    private int _unwritten;
    private DateTimeOffset _written = parts.Time.GetUtcNow();

    /// <summary>The position of the last log entry that was read.</summary>
    public long LastRead => _read;

    /// <summary>Whether too many events are held to read more of the log.</summary>
    public bool IsFull => Room <= 0;

    /// <summary>Whether events were given up.</summary>
    public bool HasGivenUp { get; private set; }

    private DateTimeOffset Now => parts.Time.GetUtcNow();

    private bool IsOpen => !_isEnded && Now < end && Now >= progress.PausedUntil && !cancellation.IsCancellationRequested;

    private int Room => Math.Min(Window - (_order.All.Count - _held), MostHeld - _held);

    /// <summary>Sends until no event is due, and then releases the lease.</summary>
    public async Task<RunEnd> RunAsync()
    {
        foreach (var held in progress.Held)
            _order.Add(held);

        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        await using var timer = parts.Time.CreateTimer(_ => served.Look(), null, Tick, Tick);
        try
        {
            while (await WriteWhenDueAsync() && await ReadAheadAsync())
            {
                StartTries(stop.Token);
                if (_inFlight > 0)
                    await SettleAsync();
                else if (!IsOpen || !(_mayHaveMore || served.IsWoken) || Room <= 0)
                    return await FinishAsync();
            }

            return RunEnd.LeaseLost;
        }
        finally
        {
            await stop.CancelAsync();
            while (_inFlight > 0)
                await SettleAsync();
        }
    }

    /// <summary>Reads the log as far as there is room. Returns false if the lease is lost.</summary>
    private async Task<bool> ReadAheadAsync()
    {
        if (served.TakeWake())
            _mayHaveMore = true;
        if (!IsOpen || !_mayHaveMore)
            return true;

        // An event that waits for a held event is also held, and leaves the window.
        if (Room <= 0 && _inFlight == 0 && !await WriteAsync())
            return false;

        var limit = Room;
        if (limit <= 0)
            return true;

        var entries = await parts.Log.ReadAsync(_webhook.AccountId, _read, limit, CancellationToken.None);
        foreach (var entry in entries)
        {
            _read = entry.Position;
            if (_webhook.Wants(entry.Event.Type))
                _order.Add(new(entry.Position, entry.Event) { Next = Now });
            else
                _unwritten++;
        }

        _mayHaveMore = entries.Count == limit;
        return true;
    }

    private void StartTries(CancellationToken stop)
    {
        while (_inFlight < MostAtOnce && IsOpen && progress.LeaseUntil - Now >= LeastLease && _order.Take(Now) is { } taken)
        {
            _inFlight++;
            taken.Since ??= Now;
            _ = TryAsync(taken, stop);
        }
    }

    private async Task TryAsync(PendingEvent taken, CancellationToken stop)
    {
        WebhookTry? result = null;
        try
        {
            result = await parts.Client.SendAsync(_webhook, taken.Event, stop);
        }
        catch (OperationCanceledException)
        {
            // The try does not count, and the event is sent again.
        }
        catch (Exception exception)
        {
            LogUnexpected(exception, _webhook);
            result = new(TryOutcome.Failed, "an unexpected error");
        }

        served.Tell(new(taken, result));
    }

    private async Task SettleAsync()
    {
        Settle(await served.Inbox.ReadAsync(CancellationToken.None));
        while (served.Inbox.TryRead(out var next))
            Settle(next);
    }

    private void Settle(EndedTry? ended)
    {
        if (ended is null)
        {
            // This is a tick of the timer. Another server may have appended to the log.
            _mayHaveMore |= _inFlight > 0;
            return;
        }

        _inFlight--;
        _unwritten++;
        var tried = ended.Tried;
        switch (ended.Result)
        {
            case null:
                _order.PutBack(tried);
                break;
            case { Outcome: TryOutcome.Delivered }:
                Forget(tried);
                break;
            case { Outcome: TryOutcome.Gone } gone:
                _isEnded = true;
                tried.Reason = gone.Text;
                _order.PutBack(tried);
                break;
            case var failed:
                Delay(tried, failed);
                break;
        }
    }

    private void Forget(PendingEvent tried)
    {
        _order.Remove(tried);
        if (!tried.IsHeld)
            return;

        _held--;
        _changes.Add(progress.Delete(tried));
    }

    private void Delay(PendingEvent tried, WebhookTry failed)
    {
        tried.Attempts++;
        tried.Reason = failed.Text;
        tried.IsChanged = true;
        if (failed.RetryAfter is { } wait)
            progress.PausedUntil = Later(progress.PausedUntil, Now + (wait < RetrySchedule.LongestPause ? wait : RetrySchedule.LongestPause));

        var next = RetrySchedule.NextTry(tried.Attempts, tried.Since!.Value, Now, failed.RetryAfter, Random.Shared.NextDouble());
        if (next is null)
        {
            HasGivenUp = true;
            LogGivenUp(tried.Event.Id, _webhook, tried.Attempts, failed.Text);
            Forget(tried);
            _changes.Add(progress.Fail(tried, Now));
            return;
        }

        LogFailed(tried.Event.Id, _webhook, tried.Attempts, failed.Text);
        tried.Next = next.Value;
        _order.PutBack(tried);
    }

    /// <summary>Writes the progress if it is due. Returns false if the lease is lost.</summary>
    private async Task<bool> WriteWhenDueAsync()
    {
        if (progress.LeaseUntil - Now < RenewBefore)
        {
            // The webhook may have been removed, or its secret rotated.
            if (await parts.Store.FindAsync(_webhook.AccountId, _webhook.Id, CancellationToken.None) is not { } current)
                return false;

            _webhook = current;
            _isEnded |= current.Ended is not null;
            return await WriteAsync();
        }

        return (_unwritten < MostUnwritten && (_unwritten == 0 || Now - _written < WriteEvery)) || await WriteAsync();
    }

    /// <summary>
    /// Writes the progress, and holds the waiting events, so that the cursor may pass them. Returns false if the lease is lost.
    /// </summary>
    private async Task<bool> WriteAsync(bool release = false)
    {
        foreach (var waiting in _order.Waiting(Now).Where(waiting => !waiting.IsHeld || waiting.IsChanged).ToArray())
        {
            if (!waiting.IsHeld)
                _held++;
            waiting.Since ??= Now;
            waiting.IsHeld = true;
            waiting.IsChanged = false;
            _changes.Add(progress.Hold(waiting));
        }

        var position = _order.All.FirstOrDefault(pending => !pending.IsHeld) is { } lowest ? lowest.Position - 1 : _read;
        var isWritten = await progress.CommitAsync(_changes, position, Now, release, CancellationToken.None);
        _changes.Clear();
        (_unwritten, _written) = (0, Now);
        return isWritten;
    }

    private async Task<RunEnd> FinishAsync()
    {
        if (_isEnded)
        {
            if (_webhook.Ended is null)
                await EndAsync();
            return await WriteAsync(release: true) ? RunEnd.Done : RunEnd.LeaseLost;
        }

        var isStopped = Now >= end || cancellation.IsCancellationRequested;
        if (!isStopped && NextLook() is { } next && !IsAnnounced(next))
        {
            // The message is sent before the row is written, because an extra message has no effect.
            await parts.Messages.SendAsync(_webhook.AccountId, _webhook.Id, next - Now, CancellationToken.None);
            progress.Wake = next;
        }

        return !await WriteAsync(release: true) ? RunEnd.LeaseLost : isStopped ? RunEnd.More : RunEnd.Done;
    }

    private async Task EndAsync()
    {
        const string Because = "the receiver returned 410";
        await parts.Store.EndAsync(_webhook, Because, CancellationToken.None);
        LogEnded(_webhook);
    }

    private DateTimeOffset? NextLook()
        => progress.PausedUntil > Now ? progress.PausedUntil : _order.NextDue;

    private bool IsAnnounced(DateTimeOffset look) => progress.Wake > Now + WakeMargin && progress.Wake <= look;

    private static DateTimeOffset Later(DateTimeOffset one, DateTimeOffset other) => one > other ? one : other;

    [LoggerMessage(30, LogLevel.Information, "Try {Attempt} to deliver event {Event} to webhook {Webhook} failed: {Reason}.")]
    private partial void LogFailed(string @event, Webhook webhook, int attempt, string reason);

    [LoggerMessage(31, LogLevel.Warning, "Event {Event} was given up for webhook {Webhook} after {Attempts} tries: {Reason}. To send it again, run sessions webhooks resend.")]
    private partial void LogGivenUp(string @event, Webhook webhook, int attempts, string reason);

    [LoggerMessage(32, LogLevel.Warning, "Webhook {Webhook} ended because its receiver returned 410.")]
    private partial void LogEnded(Webhook webhook);

    [LoggerMessage(33, LogLevel.Error, "A message to webhook {Webhook} could not be sent because of an unexpected error.")]
    private partial void LogUnexpected(Exception exception, Webhook webhook);
}
