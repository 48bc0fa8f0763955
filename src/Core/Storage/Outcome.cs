namespace Sessions.Storage;

/// <summary>The result of a change.</summary>
public enum Outcome
{
    /// <summary>The change was made.</summary>
    Done,

    /// <summary>The session does not exist or has expired.</summary>
    NoSession,

    /// <summary>The participant does not exist or has expired.</summary>
    NoParticipant,

    /// <summary>The participant is not in the session.</summary>
    NotAMember,

    /// <summary>The participant is in another session.</summary>
    InAnotherSession,

    /// <summary>The session is full.</summary>
    SessionFull,

    /// <summary>The resource is not in a state that the precondition names.</summary>
    PreconditionFailed,

    /// <summary>The idempotency key was used before with a different request.</summary>
    IdempotencyKeyReused,

    /// <summary>The resource that was created with the idempotency key has been deleted or has expired.</summary>
    IdempotentResourceGone,
}
