using System.Threading.Channels;
using Sessions.Model;

namespace Sessions.Webhooks;

/// <summary>The end of a try. In the inbox of a webhook, null is a signal to check for new events.</summary>
internal sealed record EndedTry(PendingEvent Tried, WebhookTry? Result);

/// <summary>A webhook to which this process sends.</summary>
internal sealed class ServedWebhook
{
    private readonly Channel<EndedTry?> _inbox = Channel.CreateUnbounded<EndedTry?>(new() { SingleReader = true });
    private int _isWoken;

    public ChannelReader<EndedTry?> Inbox => _inbox.Reader;

    public bool IsWoken => Volatile.Read(ref _isWoken) != 0;

    /// <summary>Signals that there are new entries in the log or new held events.</summary>
    public void Wake()
    {
        Volatile.Write(ref _isWoken, 1);
        Look();
    }

    /// <summary>Makes the run check whether there is something to do.</summary>
    public void Look() => _inbox.Writer.TryWrite(null);

    public void Tell(EndedTry ended) => _inbox.Writer.TryWrite(ended);

    /// <summary>Returns and clears whether the webhook was woken. Reads that follow find the entries or events that woke it.</summary>
    public bool TakeWake() => Interlocked.Exchange(ref _isWoken, 0) != 0;
}

/// <summary>The webhooks to which this process sends. A process sends to each webhook at most once at a time.</summary>
internal sealed class ServedWebhooks
{
    private readonly Dictionary<(AccountId, string), ServedWebhook> _served = [];

    /// <summary>Begins to serve a webhook. If it is already served, wakes it and returns null.</summary>
    public ServedWebhook? TryBegin(AccountId accountId, string webhookId)
    {
        lock (_served)
        {
            if (TryWake(accountId, webhookId))
                return null;

            return _served[(accountId, webhookId)] = new();
        }
    }

    /// <summary>Wakes a webhook. Returns false if this process does not serve it.</summary>
    public bool TryWake(AccountId accountId, string webhookId)
    {
        lock (_served)
        {
            if (!_served.TryGetValue((accountId, webhookId), out var served))
                return false;

            served.Wake();
            return true;
        }
    }

    /// <summary>Stops serving a webhook. Returns false if it was woken and has to be checked again.</summary>
    public bool TryEnd(AccountId accountId, string webhookId, bool evenIfWoken = false)
    {
        lock (_served)
        {
            if (!evenIfWoken && _served[(accountId, webhookId)].IsWoken)
                return false;

            _served.Remove((accountId, webhookId));
            return true;
        }
    }
}
