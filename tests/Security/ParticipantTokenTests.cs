using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using Sessions.Model;
using Sessions.Security;

namespace Sessions.Tests;

/// <summary>The tokens with which a device may connect, and the values that are read from them.</summary>
public sealed class ParticipantTokenTests
{
    private const string Key = Server.TokenSigningKey;

    private static readonly AccountId Account = AccountId.Parse("account");
    private static readonly ParticipantId Participant = new(Guid.NewGuid());

    private readonly Clock _time = new();
    private readonly ParticipantTokens _tokens;
    private readonly DateTimeOffset _end;

    public ParticipantTokenTests()
    {
        _time.Stop();
        _end = DateTimeOffset.FromUnixTimeSeconds(_time.GetUtcNow().ToUnixTimeSeconds() + 60);
        _tokens = new(
            new SigningKey(
                TestOptions.With(("Sessions:TokenSigningKey", Key)),
                _time,
                NullLogger<SigningKey>.Instance),
            _time);
    }

    [Fact]
    public void A_created_token_is_read_back_with_the_same_values()
    {
        var token = _tokens.Create(Account, new($"{Participant}", null, [], [], Subscriptions.None, "tag", "V2"), _end);

        Assert.True(_tokens.TryRead(token, out var read));
        Assert.Equal(new DeviceToken(Account, Participant, "V2"), read);
        Assert.Equal(5, new JsonWebToken(token).Claims.Count());
    }

    [Fact]
    public void A_token_is_accepted_until_it_expires()
    {
        var token = Sign();

        _time.Advance(_end - _time.GetUtcNow() - TimeSpan.FromTicks(1));
        IsRead(token);
        _time.Advance(TimeSpan.FromTicks(1));
        IsRefused(token);
    }

    [Fact]
    public void A_token_without_an_expiry_is_rejected() => IsRefused(Sign(("exp", null)));

    [Fact]
    public void A_token_with_a_missing_or_invalid_signature_is_rejected()
    {
        IsRefused(Sign()[..^10]);
        IsRefused(Sign(key: $"{Key}, or another"));
        IsRefused(Sign(key: Key + Key, algorithm: SecurityAlgorithms.HmacSha512));
        IsRefused(Sign(algorithm: SecurityAlgorithms.HmacSha256Signature));
        IsRefused(new JsonWebTokenHandler().CreateToken("""{"a":"account"}"""));
    }

    [Theory]
    [InlineData("")]
    [InlineData("token")]
    [InlineData("a.b.c")]
    public void A_string_that_is_not_a_token_is_rejected(string text) => IsRefused(text);

    [Theory]
    [InlineData("a", null)]
    [InlineData("a", "no account")]
    [InlineData("p", null)]
    [InlineData("p", "no participant")]
    [InlineData("v", null)]
    public void A_token_with_a_missing_or_invalid_claim_is_rejected(string claim, string? value) => IsRefused(Sign((claim, value)));

    [Theory]
    [InlineData("a")]
    [InlineData("p")]
    public void A_token_with_a_null_account_or_participant_is_rejected(string claim) => IsRefused(SignNull(claim));

    [Fact]
    public void A_null_version_is_read_as_an_empty_string()
    {
        Assert.True(_tokens.TryRead(SignNull("v"), out var read));
        Assert.Equal(new DeviceToken(Account, Participant, ""), read);
    }

    [Fact]
    public void A_token_over_1024_characters_is_rejected()
    {
        var token = Sign(("v", ""));
        var longest = Enumerable.Range(0, 1024).Select(length => Sign(("v", new string('3', length)))).Last(token => token.Length <= 1024);
        Assert.Equal(1024, longest.Length);

        IsRead(token);
        IsRead(longest);
        IsRefused(Sign(("v", new string('3', 1024))));
    }

    /// <summary>A token with a claim that is null.</summary>
    private string SignNull(string claim)
    {
        var claims = new Dictionary<string, object?>
        {
            ["a"] = $"{Account}",
            ["p"] = $"{Participant}",
            ["v"] = "V3",
            ["exp"] = _end.ToUnixTimeSeconds(),
        };
        claims[claim] = null;
        return new JsonWebTokenHandler { SetDefaultTimesOnTokenCreation = false }.CreateToken(
            JsonSerializer.Serialize(claims), new SigningCredentials(new SymmetricSecurityKey(Encoding.UTF8.GetBytes(Key)), SecurityAlgorithms.HmacSha256));
    }

    private string Sign((string Claim, object? Value)? other = null, string key = Key, string algorithm = SecurityAlgorithms.HmacSha256)
    {
        var claims = new Dictionary<string, object>
        {
            ["a"] = $"{Account}",
            ["p"] = $"{Participant}",
            ["v"] = "V3",
            ["exp"] = _end.ToUnixTimeSeconds(),
        };
        if (other is { Value: null })
            claims.Remove(other.Value.Claim);
        else if (other is { Value: { } value })
            claims[other.Value.Claim] = value;

        return new JsonWebTokenHandler { SetDefaultTimesOnTokenCreation = false }.CreateToken(new SecurityTokenDescriptor
        {
            Claims = claims,
            SigningCredentials = new(new SymmetricSecurityKey(Encoding.UTF8.GetBytes(key)), algorithm),
        });
    }

    private void IsRead(string token) => Assert.True(_tokens.TryRead(token, out _));

    private void IsRefused(string token)
    {
        Assert.False(_tokens.TryRead(token, out var read));
        Assert.Null(read);
    }
}
