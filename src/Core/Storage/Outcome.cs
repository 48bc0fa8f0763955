namespace Sessions.Storage;

/// <summary>How a change ended.</summary>
public enum Outcome
{
    /// <summary>As asked.</summary>
    Done,

    /// <summary>There is no such session, or it has expired.</summary>
    NoSession,

    /// <summary>There is no such participant, or it has expired.</summary>
    NoParticipant,

    /// <summary>The participant is not in the session.</summary>
    NotAMember,

    /// <summary>The participant is in another session.</summary>
    InAnotherSession,

    /// <summary>The session has as many participants as it may have.</summary>
    SessionFull,

    /// <summary>The resource is in another state than the precondition names.</summary>
    PreconditionFailed,

    /// <summary>The idempotency key was used to create something else.</summary>
    IdempotencyKeyReused,

    /// <summary>What was created with the idempotency key has been deleted or has expired.</summary>
    IdempotentResourceGone,
}
