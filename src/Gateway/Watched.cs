using Sessions.Media;
using Sessions.Model;
using Sessions.Storage;

namespace Sessions.Gateway;

/// <summary>Something in the tables that is looked at again and again.</summary>
internal abstract class Watched
{
    /// <summary>When to look again, in ticks of the time provider; null for not before a hint.</summary>
    public long? Due { get; set; } = 0;

    /// <summary>Whether a look is on its way.</summary>
    public bool IsLooking { get; set; }

    /// <summary>Whether to look once more after that, because it may have come too early to see a change.</summary>
    public bool LookAgain { get; set; }

    /// <summary>How many looks have failed in a row.</summary>
    public int Failures { get; set; }
}

/// <summary>A participant with devices.</summary>
internal sealed class WatchedParticipant(AccountId accountId, ParticipantRow row) : Watched
{
    public AccountId AccountId => accountId;

    /// <summary>What it was created with, which never changes.</summary>
    public ParticipantRow Row => row;

    public ParticipantId Id => row.Id;

    /// <summary>What its devices may publish, which never changes.</summary>
    public MediaPermissions Permissions { get; } = new(
        row.Fields.PublishPermissions.Contains("AUDIO", StringComparison.Ordinal),
        row.Fields.PublishPermissions.Contains("VIDEO", StringComparison.Ordinal));

    public List<Device> Devices { get; } = [];

    /// <summary>The session that it claims; null for none.</summary>
    public WatchedSession? Session { get; set; }

    /// <summary>Whether that session lists it.</summary>
    public bool IsMember { get; set; }

    public bool IsLive(DateTimeOffset now) => row.IsLive(now);
}

/// <summary>A session that participants with devices claim.</summary>
internal sealed class WatchedSession(AccountId accountId, SessionId id) : Watched
{
    public AccountId AccountId => accountId;

    public SessionId Id => id;

    /// <summary>Those who claim it and have devices.</summary>
    public HashSet<WatchedParticipant> Participants { get; } = [];

    /// <summary>The session as it was last seen; null when it has not been seen, or is gone.</summary>
    public MemberList? Members { get; set; }

    /// <summary>Whether a look has found that there is no such session.</summary>
    public bool IsGone { get; set; }

    /// <summary>When the next of its members, or the session itself, expires.</summary>
    public DateTimeOffset NextEnd { get; set; } = DateTimeOffset.MaxValue;
}
