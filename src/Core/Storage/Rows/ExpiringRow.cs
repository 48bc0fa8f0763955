using Azure;
using Azure.Data.Tables;
using Sessions.Model;

namespace Sessions.Storage;

/// <summary>A row that is invisible from the time at which it expires.</summary>
internal abstract record ExpiringRow(DateTimeOffset Expires)
{
    public ETag ETag { get; protected init; }

    public bool IsLive(DateTimeOffset now) => now < Expires;
}

/// <summary>The row of a session or of a participant, which <see cref="NewRows"/> creates.</summary>
internal abstract record ResourceRow(DateTimeOffset Created, DateTimeOffset Expires) : ExpiringRow(Expires)
{
    public abstract TableEntity ToEntity(AccountId accountId);

    /// <summary>The first row of the outbox, written in the transaction that creates the resource.</summary>
    public abstract EventRow CreationEvent(AccountId accountId, DateTimeOffset eventsExpire);
}
