namespace Sessions.Storage;

/// <summary>The names of the columns. They must not change, because rows with these names are already stored.</summary>
internal static class Columns
{
    public const string Tag = nameof(Tag);
    public const string Created = nameof(Created);
    public const string Expires = nameof(Expires);
    public const string Joined = nameof(Joined);
    public const string CallbackUrl = nameof(CallbackUrl);
    public const string PublishPermissions = nameof(PublishPermissions);
    public const string DeviceApiVersion = nameof(DeviceApiVersion);

    /// <summary>JSON in UTF-8. The column is binary, because a string column can contain only half as many bytes.</summary>
    public const string Subscriptions = nameof(Subscriptions);

    /// <summary>The members of a session, in its header. <see cref="MemberSet"/> describes the format.</summary>
    public const string Members = nameof(Members);

    /// <summary>The claim: the session that a participant is in or is joining, or empty for none.</summary>
    public const string SessionId = nameof(SessionId);

    /// <summary>
    /// A new id for each write. If a write gets no clear response, its writer reads the row and compares this id with its own.
    /// </summary>
    public const string WriteId = nameof(WriteId);

    /// <summary>The session's entity tag.</summary>
    public const string Version = nameof(Version);

    /// <summary>
    /// In a session's header and in the row of a participant's devices, the number of the last row of the outbox. In a webhook, the types
    /// of events that it gets.
    /// </summary>
    public const string Events = nameof(Events);

    /// <summary>In a row of the outbox, the events of the row as JSON in UTF-8.</summary>
    public const string Data = nameof(Data);

    /// <summary>The changes of other sessions that precede a participant's join. <see cref="Predecessors"/> describes the format.</summary>
    public const string After = nameof(After);

    /// <summary>The devices of a participant, as JSON in UTF-8. <see cref="DevicesRow"/> describes them.</summary>
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

    /// <summary>
    /// In a cursor, when a message will cause a look at the partition, because its session or one of its members expires then.
    /// </summary>
    public const string Wakes = nameof(Wakes);

    public const string Access = nameof(Access);

    public const string Url = nameof(Url);

    /// <summary>A webhook's secret in clear text, because it signs the requests to the webhook.</summary>
    public const string Secret = nameof(Secret);

    /// <summary>The secret before the last rotation, which also signs requests until <see cref="PreviousExpires"/>.</summary>
    public const string PreviousSecret = nameof(PreviousSecret);

    /// <summary>When a webhook ended. The column is absent while the webhook is active.</summary>
    public const string EndedAt = nameof(EndedAt);
    public const string EndedBecause = nameof(EndedBecause);

    /// <summary>The server that sends to a webhook until <see cref="LeaseUntil"/>, or empty for none.</summary>
    public const string Holder = nameof(Holder);
    public const string LeaseUntil = nameof(LeaseUntil);

    /// <summary>Until when nothing is sent to a webhook, because its receiver requested a pause.</summary>
    public const string PausedUntil = nameof(PausedUntil);

    /// <summary>When the next message for a webhook becomes visible in the queue.</summary>
    public const string Wake = nameof(Wake);

    /// <summary>The number of tries to deliver an event.</summary>
    public const string Attempts = nameof(Attempts);

    /// <summary>The time of the first try of an event, or the time since which it waits for an earlier event.</summary>
    public const string Since = nameof(Since);

    /// <summary>The time of the next try.</summary>
    public const string Next = nameof(Next);

    /// <summary>Why the last try failed.</summary>
    public const string Reason = nameof(Reason);

    /// <summary>When the server stopped trying to deliver an event.</summary>
    public const string Failed = nameof(Failed);
}
