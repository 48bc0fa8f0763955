using System.Text;
using Sessions.Media.Stun;

namespace Sessions.Media.Ice;

/// <summary>
/// The lite agent of one transport (RFC 8445 sections 2.5 and 7.3). It sends no checks, is always in the controlled role, and selects the
/// pair that its peer nominated last. The peer's checks count as its consent to receive (RFC 7675). After an ICE restart a new agent has
/// the new credentials, while the previous agent keeps its selected flow. Not thread-safe.
/// </summary>
/// <param name="local">The credentials that the peer got from this side's SDP.</param>
public sealed class IceLite(IceCredentials local)
{
    /// <summary>The longest response, in bytes.</summary>
    public const int MaxResponseLength = 160;

    /// <summary>How long a check is valid as consent to send (RFC 7675 section 5.1).</summary>
    public static readonly TimeSpan ConsentLifetime = TimeSpan.FromSeconds(30);

    private const int MaxUnknownAttributes = 16;
    private const int RememberedNominations = 16;

    private readonly byte[] _fragment = Encoding.ASCII.GetBytes(local.UsernameFragment);
    private readonly byte[] _password = Encoding.ASCII.GetBytes(local.Password);
    private readonly byte[] _nominations = new byte[RememberedNominations * StunMessage.TransactionIdLength];
    private int _nominationCount;
    private byte[]? _remoteFragment;

    /// <summary>The credentials of this side.</summary>
    public IceCredentials Local => local;

    /// <summary>
    /// The credentials in the peer's SDP. Checks may arrive before the SDP. Afterwards they must contain the peer's fragment.
    /// </summary>
    public IceCredentials? Remote
    {
        get;
        set
        {
            field = value;
            _remoteFragment = value is null ? null : Encoding.ASCII.GetBytes(value.UsernameFragment);
        }
    }

    /// <summary>The flow of the pair that was nominated last.</summary>
    public Flow? Selected { get; private set; }

    /// <summary>When the last authenticated check arrived over the selected flow.</summary>
    public TimeSpan? LastConsent { get; private set; }

    /// <summary>
    /// Whether the selected flow has had no authenticated check for 30 s. Nothing may be sent to the flow until its next check. False while
    /// no flow is selected.
    /// </summary>
    public bool IsConsentExpired(TimeSpan now) => now - LastConsent >= ConsentLifetime;

    /// <summary>
    /// Checks a Binding request and writes the response (RFC 8445 section 7.3). An unauthenticated request gets no response, so nobody can
    /// make the server send to somebody else's address.
    /// </summary>
    /// <param name="request">The message.</param>
    /// <param name="flow">The flow over which it arrived.</param>
    /// <param name="now">The time.</param>
    /// <param name="response">The buffer for the response, at least <see cref="MaxResponseLength"/> bytes.</param>
    /// <param name="length">The length of the response, or 0 if there is none.</param>
    public CheckResult Check(in StunMessage request, Flow flow, TimeSpan now, Span<byte> response, out int length)
    {
        length = 0;
        if (!IsAuthentic(request))
            return CheckResult.Dropped;

        length = Respond(request, flow, response, out var isSuccess);
        return isSuccess ? Accept(request, flow, now) : CheckResult.Answered;
    }

    /// <summary>
    /// Checks the user name, which must begin with this side's fragment, FINGERPRINT and MESSAGE-INTEGRITY (RFC 8445 sections 7.1, 7.2.2
    /// and 7.3).
    /// </summary>
    private bool IsAuthentic(in StunMessage request)
        => request is { Class: StunClass.Request, IsBinding: true }
            && request.TryGetUsername(out var username)
            && username.Length > _fragment.Length
            && username.StartsWith(_fragment)
            && username[_fragment.Length] == ':'
            && (_remoteFragment is null || username[(_fragment.Length + 1)..].SequenceEqual(_remoteFragment))
            && request.VerifyFingerprint()
            && request.VerifyIntegrity(_password);

    private int Respond(in StunMessage request, Flow flow, Span<byte> response, out bool isSuccess)
    {
        Span<ushort> unknown = stackalloc ushort[MaxUnknownAttributes];
        unknown = unknown[..request.CopyUnknownRequiredAttributes(unknown)];

        // A lite agent is controlled when its peer is a full agent, so the peer has to change its role (RFC 8445 section 6.1.1).
        var isRoleConflict = request.IceControlled is not null;
        isSuccess = unknown.IsEmpty && !isRoleConflict;
        var writer = new StunWriter(response, isSuccess ? StunClass.SuccessResponse : StunClass.ErrorResponse, request.TransactionId);
        if (isSuccess)
        {
            writer.AddMappedAddress(flow.Remote);
        }
        else if (unknown.IsEmpty)
        {
            writer.AddErrorCode(487, "Role Conflict"u8);
        }
        else
        {
            writer.AddErrorCode(420, "Unknown Attribute"u8);
            writer.AddUnknownAttributes(unknown);
        }

        writer.AddIntegrity(_password);
        writer.AddFingerprint();
        return writer.Length;
    }

    private CheckResult Accept(in StunMessage request, Flow flow, TimeSpan now)
    {
        var isNew = request.UseCandidate && TryRemember(request.TransactionId) && flow != Selected;
        if (isNew || IsSelectedAgain(flow))
            Selected = flow;

        if (flow == Selected)
            LastConsent = now;

        return isNew ? CheckResult.Nominated : CheckResult.Authenticated;
    }

    /// <summary>
    /// Whether this is the selected flow, recreated after its previous instance was removed for inactivity. The peer need not nominate it
    /// again, because for the peer it is the same flow.
    /// </summary>
    private bool IsSelectedAgain(Flow flow) => Selected is { } selected && selected.IsTcp == flow.IsTcp && selected.Remote.Equals(flow.Remote);

    /// <summary>
    /// Records a nomination. False if it is already known. A nomination that is repeated, delayed or replayed by an observer must not
    /// select a flow that the peer has left, or somebody else's flow.
    /// </summary>
    private bool TryRemember(ReadOnlySpan<byte> transactionId)
    {
        for (var i = 0; i < Math.Min(_nominationCount, RememberedNominations); i++)
        {
            if (transactionId.SequenceEqual(Nomination(i)))
                return false;
        }

        transactionId.CopyTo(Nomination(_nominationCount % RememberedNominations));
        _nominationCount++;
        return true;
    }

    private Span<byte> Nomination(int index)
        => _nominations.AsSpan(index * StunMessage.TransactionIdLength, StunMessage.TransactionIdLength);
}
