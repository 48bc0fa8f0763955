using System.Buffers;
using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Sessions.Model;
using Sessions.Storage;

namespace Sessions.Security;

/// <summary>The result of a check of credentials.</summary>
/// <param name="Access">The caller's access, or null if the credentials are not valid for the account.</param>
/// <param name="Wait">How long the caller must wait before its credentials are checked, or null if they were checked.</param>
public readonly record struct Authentication(Access? Access, TimeSpan? Wait = null);

/// <summary>
/// Checks credentials. A verified credential is cached for <see cref="MemoryLifetime"/>, so a check normally needs no storage call, and a
/// revoked credential stops working within this time.
/// </summary>
public sealed class Authenticator(CredentialStore credentials, GuessLimiter limiter, SessionsOptions options, TimeProvider time)
{
    /// <summary>How long a verified credential is cached.</summary>
    public static readonly TimeSpan MemoryLifetime = TimeSpan.FromSeconds(60);

    /// <summary>How many verified credentials are cached.</summary>
    internal const int MaxRemembered = 10_000;

    // An expired entry does not verify a credential, but it shows that the caller has opened the account before and does not guess.
    private readonly BoundedMemory<GivenCredential, (Access Access, DateTimeOffset Until)> _remembered = new(MaxRemembered);

    // Concurrent requests with the same credential share one look-up and count as one guess.
    private readonly ConcurrentDictionary<GivenCredential, Lazy<Task<Authentication>>> _lookUps = new();

    /// <summary>
    /// Checks the caller's access to the account. A cached credential needs no storage call and no allocation, and any other needs at most
    /// one storage call. If the header cannot be a credential, it is refused without a look-up and does not count as a guess.
    /// </summary>
    /// <param name="accountId">The account.</param>
    /// <param name="authorization">The <c>Authorization</c> header.</param>
    /// <param name="caller">Returns the origin of the request. It is called only if the credential is not cached.</param>
    /// <param name="cancellation">Cancels the wait for the look-up, but not the look-up, which other requests may share.</param>
    public ValueTask<Authentication> AuthenticateAsync(
        AccountId accountId, string authorization, Func<Caller> caller, CancellationToken cancellation)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(2 * authorization.Length);
        try
        {
            if (!BasicCredentials.TryDecode(authorization, buffer, out var text))
                return default;

            var credential = GivenCredential.Of(accountId, text);
            if (_remembered.TryGet(credential, out var remembered) && time.GetUtcNow() < remembered.Until)
                return new(new Authentication(remembered.Access));

            return BasicCredentials.Parse(text) is { UserName.Length: > 0 } given
                && Encoding.UTF8.GetByteCount(given.UserName) <= CredentialStore.MaxUserNameBytes
                    ? new(ShareLookUpAsync(credential, given, caller(), cancellation))
                    : default;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer, clearArray: true);
        }
    }

    private async Task<Authentication> ShareLookUpAsync(
        GivenCredential credential, BasicCredentials given, Caller caller, CancellationToken cancellation)
    {
        while (true)
        {
            var mine = new Lazy<Task<Authentication>>(() => LookUpAsync(credential, given, caller));
            var lookUp = _lookUps.GetOrAdd(credential, mine);
            var result = await lookUp.Value.WaitAsync(cancellation);

            // The limit applies to the other caller, so this caller tries again.
            if (lookUp == mine || result.Wait is null)
                return result;
        }
    }

    private async Task<Authentication> LookUpAsync(GivenCredential credential, BasicCredentials given, Caller caller)
    {
        var (isGuess, hasFailed) = (false, false);
        try
        {
            if (!_remembered.TryGet(credential, out _))
            {
                if (!limiter.TryBegin(credential.AccountId, caller, out var wait))
                    return new(null, wait);
                isGuess = true;
            }

            // The request's cancellation does not cancel the look-up: other requests may share it, and a guess counts even if its caller
            // disconnects.
            using var deadline = new CancellationTokenSource(options.RequestTimeout, time);
            if (await VerifyAsync(credential.AccountId, given, time.GetUtcNow(), deadline.Token) is { } verified)
            {
                _remembered.Set(credential, verified);
                return new(verified.Access);
            }

            hasFailed = true;
            _remembered.Remove(credential);
            return default;
        }
        finally
        {
            if (isGuess)
                limiter.End(credential.AccountId, caller, hasFailed);
            _lookUps.TryRemove(credential, out _);
        }
    }

    /// <summary>The caller's access and when its cache entry expires, or null if the credentials are not valid for the account.</summary>
    private async Task<(Access Access, DateTimeOffset Until)?> VerifyAsync(
        AccountId accountId, BasicCredentials given, DateTimeOffset now, CancellationToken cancellation)
    {
        // An unknown user, a wrong secret and a secret that was never rotated all take the same time.
        var credential = await credentials.FindAsync(accountId, given.UserName, cancellation);
        var matches = Matches(given, credential?.SecretHash);
        var matchesPrevious = Matches(given, credential?.Previous?.SecretHash);
        if (credential is null)
            return null;
        if (matches)
            return (credential.Access, now + MemoryLifetime);

        var previousEnd = credential.Previous?.Expires;
        return matchesPrevious && now < previousEnd
            ? (credential.Access, previousEnd.Value < now + MemoryLifetime ? previousEnd.Value : now + MemoryLifetime)
            : null;
    }

    private static bool Matches(BasicCredentials given, byte[]? secretHash)
        => CryptographicOperations.FixedTimeEquals(given.SecretHash, secretHash ?? new byte[SHA256.HashSizeInBytes]) & secretHash is not null;

    /// <summary>
    /// A user name and a secret for an account. Two headers with the same user name and secret are equal, even if they are spelled
    /// differently. Only a digest is stored, so the duration of a cache look-up reveals nothing about a secret.
    /// </summary>
    private readonly record struct GivenCredential(AccountId AccountId, UInt128 DigestHigh, UInt128 DigestLow)
    {
        public static GivenCredential Of(AccountId accountId, ReadOnlySpan<byte> text)
        {
            Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
            SHA256.HashData(text, digest);
            var halves = MemoryMarshal.Cast<byte, UInt128>(digest);
            return new(accountId, halves[0], halves[1]);
        }
    }
}
