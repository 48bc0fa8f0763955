using Sessions.Media;
using Sessions.Model;
using Sessions.Storage;

namespace Sessions.Gateway;

/// <summary>A session or participant that is read periodically.</summary>
internal abstract class Watched
{
    /// <summary>When to read next, in ticks of the time provider, or null to wait for a hint.</summary>
    public long? Due { get; set; } = 0;

    /// <summary>Whether a read is in progress.</summary>
    public bool IsLooking { get; set; }

    /// <summary>Whether to read once more afterwards, because the read in progress may have been too early to see a change.</summary>
    public bool LookAgain { get; set; }

    /// <summary>The number of consecutive failed reads.</summary>
    public int Failures { get; set; }
}

/// <summary>A participant with devices.</summary>
internal sealed class WatchedParticipant(AccountId accountId, ParticipantRow row) : Watched
{
    public AccountId AccountId => accountId;

    /// <summary>The row with the fields from the participant's creation, which never change.</summary>
    public ParticipantRow Row => row;

    public ParticipantId Id => row.Id;

    /// <summary>The kinds of media that its devices may publish, which never change.</summary>
    public MediaPermissions Permissions { get; } = new(
        row.Fields.PublishPermissions.Contains("AUDIO", StringComparison.Ordinal),
        row.Fields.PublishPermissions.Contains("VIDEO", StringComparison.Ordinal));

    public List<Device> Devices { get; } = [];

    /// <summary>The session that it claims, or null for none.</summary>
    public WatchedSession? Session { get; set; }

    /// <summary>Whether that session lists it as a member.</summary>
    public bool IsMember { get; set; }

    public bool IsLive(DateTimeOffset now) => row.IsLive(now);
}

/// <summary>A session that is claimed by participants with devices.</summary>
internal sealed class WatchedSession(AccountId accountId, SessionId id) : Watched
{
    public AccountId AccountId => accountId;

    public SessionId Id => id;

    /// <summary>The participants that claim it and have devices.</summary>
    public HashSet<WatchedParticipant> Participants { get; } = [];

    /// <summary>The session as it was last read, or null if it has not been read or is gone.</summary>
    public MemberList? Members { get; set; }

    /// <summary>Whether a read has found no such session.</summary>
    public bool IsGone { get; set; }

    /// <summary>When its next member, or the session itself, expires.</summary>
    public DateTimeOffset NextEnd { get; set; } = DateTimeOffset.MaxValue;
}
