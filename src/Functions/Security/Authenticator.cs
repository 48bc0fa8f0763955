using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Sessions.Storage;

namespace Sessions.Security;

/// <summary>
/// Checks credentials. A verified one is remembered for <see cref="MemoryLifetime"/>, so that it normally costs no storage
/// call, and a revoked one dies within that time.
/// </summary>
public sealed class Authenticator(CredentialStore credentials, TimeProvider time)
{
    /// <summary>How long a verified credential is not looked up again.</summary>
    public static readonly TimeSpan MemoryLifetime = TimeSpan.FromSeconds(60);

    private const int MaxRemembered = 10_000;

    // The key is a digest of account and header: no secret is kept, and the time of a look-up tells nothing of one.
    private readonly ConcurrentDictionary<Digest, (Access Access, DateTimeOffset Until)> _remembered = new();

    /// <summary>What the caller may do in the account, or null when the header does not open it. One storage call at most.</summary>
    public async ValueTask<Access?> AuthenticateAsync(string accountId, string? authorization, CancellationToken cancellation)
    {
        if (authorization is null || !AccountId.IsValid(accountId))
            return null;

        var digest = DigestOf(accountId, authorization);
        var now = time.GetUtcNow();
        if (_remembered.TryGetValue(digest, out var remembered) && now < remembered.Until)
            return remembered.Access;

        if (await VerifyAsync(accountId, authorization, cancellation) is not { } access)
        {
            _remembered.TryRemove(digest, out _);
            return null;
        }

        if (_remembered.Count >= MaxRemembered)
            _remembered.Clear();
        _remembered[digest] = (access, now + MemoryLifetime);
        return access;
    }

    private async Task<Access?> VerifyAsync(string accountId, string authorization, CancellationToken cancellation)
    {
        if (BasicCredentials.Parse(authorization) is not { UserName.Length: > 0 } given
            || Encoding.UTF8.GetByteCount(given.UserName) > CredentialStore.MaxUserNameBytes)
        {
            return null;
        }

        // The same work for an unknown user as for a wrong secret.
        var credential = await credentials.FindAsync(accountId, given.UserName, cancellation);
        var matches = CryptographicOperations.FixedTimeEquals(given.SecretHash, credential?.SecretHash ?? new byte[SHA256.HashSizeInBytes]);
        return matches ? credential?.Access : null;
    }

    private static Digest DigestOf(string accountId, string authorization)
    {
        // The account's digest is of fixed length, so that no other pair of account and header gives the same bytes.
        Span<byte> digests = stackalloc byte[2 * SHA256.HashSizeInBytes];
        SHA256.HashData(MemoryMarshal.AsBytes(accountId.AsSpan()), digests);
        SHA256.HashData(MemoryMarshal.AsBytes(authorization.AsSpan()), digests[SHA256.HashSizeInBytes..]);
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(digests, digest);
        return MemoryMarshal.Read<Digest>(digest);
    }

    private readonly record struct Digest(UInt128 High, UInt128 Low);
}
