namespace Sessions.Storage;

/// <summary>The columns' names: a contract with the rows that are stored already.</summary>
internal static class Columns
{
    public const string Tag = nameof(Tag);
    public const string Created = nameof(Created);
    public const string Expires = nameof(Expires);
    public const string Joined = nameof(Joined);
    public const string CallbackUrl = nameof(CallbackUrl);
    public const string PublishPermissions = nameof(PublishPermissions);
    public const string DeviceApiVersion = nameof(DeviceApiVersion);

    /// <summary>JSON in UTF-8, as a binary column: a string column holds half as many bytes.</summary>
    public const string Subscriptions = nameof(Subscriptions);

    /// <summary>The members of a session, in its header: see <see cref="MemberSet"/>.</summary>
    public const string Members = nameof(Members);

    /// <summary>The claim: the session that a participant is in or is joining; empty for none.</summary>
    public const string SessionId = nameof(SessionId);

    /// <summary>Fresh for each write: a writer that got no clear answer reads the row back and looks for its own.</summary>
    public const string WriteId = nameof(WriteId);

    /// <summary>The session's entity tag.</summary>
    public const string Version = nameof(Version);

    /// <summary>In the header, the number of the last row of the outbox; also of a participant's, in the row of its devices; in a webhook, the types of events that it gets.</summary>
    public const string Events = nameof(Events);

    /// <summary>In a row of the outbox, its events as JSON in UTF-8.</summary>
    public const string Data = nameof(Data);

    /// <summary>The changes of other sessions that come before a participant's join: see <see cref="Predecessors"/>.</summary>
    public const string After = nameof(After);

    /// <summary>The devices of a participant, as JSON in UTF-8: see <see cref="DevicesRow"/>.</summary>
    public const string Devices = nameof(Devices);

    public const string SecretHash = nameof(SecretHash);

    /// <summary>The hash of the secret before the last rotation, which is valid until <see cref="PreviousExpires"/>.</summary>
    public const string PreviousSecretHash = nameof(PreviousSecretHash);
    public const string PreviousExpires = nameof(PreviousExpires);

    /// <summary>In the head of a log, the number of its last entry.</summary>
    public const string Position = nameof(Position);

    public const string Id = nameof(Id);
    public const string Type = nameof(Type);
    public const string Time = nameof(Time);

    /// <summary>In a cursor, the last row of the outbox that is in the log with all its events.</summary>
    public const string Number = nameof(Number);

    /// <summary>In a cursor, how many events of the next row are in the log already.</summary>
    public const string Within = nameof(Within);

    /// <summary>In a cursor, when a message will have the partition looked at, because something in it ends.</summary>
    public const string Wakes = nameof(Wakes);

    public const string Access = nameof(Access);

    public const string Url = nameof(Url);

    /// <summary>A webhook's secret in the clear: it signs what is sent.</summary>
    public const string Secret = nameof(Secret);

    /// <summary>The secret before the last rotation, which signs too until <see cref="PreviousExpires"/>.</summary>
    public const string PreviousSecret = nameof(PreviousSecret);

    /// <summary>When a webhook ended; not there while it is sent to.</summary>
    public const string EndedAt = nameof(EndedAt);
    public const string EndedBecause = nameof(EndedBecause);

    /// <summary>Who sends to a webhook until <see cref="LeaseUntil"/>; empty for nobody.</summary>
    public const string Holder = nameof(Holder);
    public const string LeaseUntil = nameof(LeaseUntil);

    /// <summary>Until when nothing is sent to a webhook, because its receiver said so.</summary>
    public const string PausedUntil = nameof(PausedUntil);

    /// <summary>When the next message for a webhook becomes visible in the queue.</summary>
    public const string Wake = nameof(Wake);

    /// <summary>How often an event was tried.</summary>
    public const string Attempts = nameof(Attempts);

    /// <summary>Since when an event is tried, or waits for an earlier one.</summary>
    public const string Since = nameof(Since);

    /// <summary>When an event is tried again.</summary>
    public const string Next = nameof(Next);

    /// <summary>Why the last try failed.</summary>
    public const string Reason = nameof(Reason);

    /// <summary>When an event was given up.</summary>
    public const string Failed = nameof(Failed);
}
