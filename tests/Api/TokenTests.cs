using System.Globalization;
using System.Text;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Sessions.Tests;

/// <summary>The participant's token, read with a JWT library as a media server would.</summary>
public sealed class TokenTests(Server server) : IClassFixture<Server>
{
    private static readonly JsonWebTokenHandler Handler = new();

    [Fact]
    public async Task The_token_contains_account_participant_version_and_expiry()
    {
        var account = await server.NewAccountAsync();
        var (participant, token) = await CreateAsync(account, """{"deviceApiVersion":"v2"}""");

        var jwt = Handler.ReadJsonWebToken(token);

        Assert.Equal("HS256", jwt.Alg);
        Assert.Equal(["a", "exp", "p", "tid", "v"], jwt.Claims.Select(claim => claim.Type).Order(StringComparer.Ordinal));
        Assert.Equal(account.Id, jwt.GetPayloadValue<string>("a"));
        Assert.Equal(participant, jwt.GetPayloadValue<string>("p"));
        Assert.Equal("V2", jwt.GetPayloadValue<string>("v"));
        Assert.Matches("^[0-9a-z]{16}$", jwt.GetPayloadValue<string>("tid"));
        var end = (await server.Tables.Participants.GetEntityAsync<Azure.Data.Tables.TableEntity>($"{account.Id}:{participant}", "participant"))
            .Value.GetDateTimeOffset("Expires")!.Value;
        Assert.Equal(end.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture), jwt.GetClaim("exp").Value);
    }

    [Fact]
    public async Task The_version_is_V3_by_default_and_every_token_has_a_unique_id()
    {
        var account = await server.NewAccountAsync();
        var tokens = new[] { (await CreateAsync(account)).Token, (await CreateAsync(account)).Token };

        var jwts = tokens.Select(Handler.ReadJsonWebToken).ToArray();

        Assert.All(jwts, jwt => Assert.Equal("V3", jwt.GetPayloadValue<string>("v")));
        Assert.Equal(2, jwts.Select(jwt => jwt.GetPayloadValue<string>("tid")).Distinct().Count());
    }

    [Fact]
    public async Task The_token_is_verified_with_the_configured_key_only()
    {
        var (_, token) = await CreateAsync(await server.NewAccountAsync());

        Assert.True((await ValidateAsync(token, ApiServer.TokenSigningKey)).IsValid);
        Assert.IsType<SecurityTokenSignatureKeyNotFoundException>((await ValidateAsync(token, "another key, which is just as long as it")).Exception);
    }

    [Fact]
    public async Task The_token_expires_with_its_participant()
    {
        var (_, token) = await CreateAsync(await server.NewAccountAsync());
        var lifetime = TimeSpan.FromHours(9);

        Assert.True((await ValidateAsync(token, ApiServer.TokenSigningKey, lifetime - TimeSpan.FromMinutes(1))).IsValid);
        Assert.IsType<SecurityTokenExpiredException>((await ValidateAsync(token, ApiServer.TokenSigningKey, lifetime)).Exception);
    }

    private static async Task<(string Participant, string Token)> CreateAsync(Account account, string? body = null)
    {
        var created = (await account.PostAsync("/participants", body)).Json;
        return (created.GetProperty("participant").GetProperty("id").GetString()!, created.GetProperty("token").GetString()!);
    }

    private Task<TokenValidationResult> ValidateAsync(string token, string key, TimeSpan after = default)
        => Handler.ValidateTokenAsync(token, new()
        {
            IssuerSigningKey = new SymmetricSecurityKey(Encoding.UTF8.GetBytes(key)),
            ValidateIssuer = false,
            ValidateAudience = false,
            LifetimeValidator = (_, expires, _, _) => server.Time.GetUtcNow() + after < expires
                ? true
                : throw new SecurityTokenExpiredException(),
        });
}
