using System.Threading.Channels;
using Sessions.Model;

namespace Sessions.Webhooks;

/// <summary>A try that has ended; null says that there may be something new to look at.</summary>
internal sealed record EndedTry(PendingEvent Tried, WebhookTry? Result);

/// <summary>A webhook that this process sends to.</summary>
internal sealed class ServedWebhook
{
    private readonly Channel<EndedTry?> _inbox = Channel.CreateUnbounded<EndedTry?>(new() { SingleReader = true });
    private int _isWoken;

    public ChannelReader<EndedTry?> Inbox => _inbox.Reader;

    public bool IsWoken => Volatile.Read(ref _isWoken) != 0;

    /// <summary>Says that the log, or the held events, have something new.</summary>
    public void Wake()
    {
        Volatile.Write(ref _isWoken, 1);
        Look();
    }

    /// <summary>Has the run look whether it has to do something.</summary>
    public void Look() => _inbox.Writer.TryWrite(null);

    public void Tell(EndedTry ended) => _inbox.Writer.TryWrite(ended);

    /// <summary>Whether it was woken since the last time; what woke it is seen by what is read from now on.</summary>
    public bool TakeWake() => Interlocked.Exchange(ref _isWoken, 0) != 0;
}

/// <summary>The webhooks that this process sends to: each once.</summary>
internal sealed class ServedWebhooks
{
    private readonly Dictionary<(AccountId, string), ServedWebhook> _served = [];

    /// <summary>Begins with a webhook; null when it is served already, and then it has been woken.</summary>
    public ServedWebhook? TryBegin(AccountId accountId, string webhookId)
    {
        lock (_served)
        {
            if (TryWake(accountId, webhookId))
                return null;

            return _served[(accountId, webhookId)] = new();
        }
    }

    /// <summary>Wakes a webhook; false when it is not served here.</summary>
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

    /// <summary>Ends with a webhook; false when it was woken and has to be looked at again.</summary>
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
