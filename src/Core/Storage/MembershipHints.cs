using Sessions.Model;

namespace Sessions.Storage;

/// <summary>
/// Tells a listener in this process that a membership may have changed, so that it need not wait for its next look at the tables,
/// which are the truth. A hint costs no storage call, and a request that has changed nothing gives one as well.
/// </summary>
public sealed class MembershipHints
{
    /// <summary>Called on the thread of the request that has ended; it must be quick and throw nothing.</summary>
    public Action<MembershipHint>? Listener { get; set; }
}

/// <summary>What a request may have changed.</summary>
/// <param name="AccountId">The account.</param>
/// <param name="SessionId">The session; null when the request named none.</param>
/// <param name="ParticipantId">The participant; null when the request named none.</param>
public readonly record struct MembershipHint(AccountId AccountId, SessionId? SessionId, ParticipantId? ParticipantId);
