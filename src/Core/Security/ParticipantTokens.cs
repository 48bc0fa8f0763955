using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using Sessions.Model;

namespace Sessions.Security;

/// <summary>Signs and verifies the token with which a participant's device connects: an HS256 JWT (RFC 7519).</summary>
public sealed class ParticipantTokens(SigningKey key, TimeProvider time)
{
    private const int RandomLength = 16;

    // Three times what the longest ids take.
    private const int MaxTokenLength = 1024;

    private readonly JsonWebTokenHandler _handler = new() { SetDefaultTimesOnTokenCreation = false };

    // When the first token is signed or read: before that, the key may not be there yet.
    private readonly Lazy<SigningCredentials> _signing = new(() => new(new SymmetricSecurityKey(key.Bytes), SecurityAlgorithms.HmacSha256));

    private readonly Lazy<TokenValidationParameters> _validation = new(() => new()
    {
        IssuerSigningKey = new SymmetricSecurityKey(key.Bytes),
        ValidAlgorithms = [SecurityAlgorithms.HmacSha256],
        ValidateIssuer = false,
        ValidateAudience = false,
        LifetimeValidator = (_, expires, _, _) => time.GetUtcNow() < expires,
    });

    /// <summary>
    /// A token with the claims that the official browser client reads: <c>a</c> account id, <c>p</c> participant id,
    /// <c>v</c> device API version, <c>exp</c> the participant's end in seconds since 1970, <c>tid</c> 16 random characters.
    /// </summary>
    public string Create(AccountId accountId, Participant participant, DateTimeOffset expires)
        => _handler.CreateToken(new SecurityTokenDescriptor
        {
            Claims = new Dictionary<string, object>
            {
                ["a"] = accountId.ToString(),
                ["p"] = participant.Id,
                ["v"] = participant.DeviceApiVersion,
                ["exp"] = expires.ToUnixTimeSeconds(),
                ["tid"] = RandomNumberGenerator.GetHexString(RandomLength, lowercase: true),
            },
            SigningCredentials = _signing.Value,
        });

    /// <summary>Reads a token; false when this key has not signed it, when it has expired, and when it is no token.</summary>
    public bool TryRead(string token, [NotNullWhen(true)] out DeviceToken? read)
    {
        // With a key that is at hand, the task is complete when it is returned.
        read = token.Length <= MaxTokenLength
            && _handler.ValidateTokenAsync(token, _validation.Value).GetAwaiter().GetResult() is { IsValid: true } valid
                ? From((JsonWebToken)valid.SecurityToken)
                : null;
        return read is not null;
    }

    private static DeviceToken? From(JsonWebToken token)
        => token.TryGetPayloadValue("a", out string? account)
            && AccountId.TryParse(account ?? "", out var accountId)
            && token.TryGetPayloadValue("p", out string? participant)
            && ParticipantId.TryParse(participant, out var participantId)
            && token.TryGetPayloadValue("v", out string? version)
                ? new(accountId, participantId, version ?? "")
                : null;
}

/// <summary>What a participant's token says.</summary>
/// <param name="AccountId">The account.</param>
/// <param name="ParticipantId">The participant, which may have been deleted since.</param>
/// <param name="DeviceApiVersion">V2 or V3.</param>
public sealed record DeviceToken(AccountId AccountId, ParticipantId ParticipantId, string DeviceApiVersion);
