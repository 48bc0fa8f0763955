using Sessions.Media.Ice;

namespace Sessions.Tests.Media.Ice;

public sealed class IceCredentialsTests
{
    [Fact]
    public void New_credentials_are_long_enough_and_of_the_characters_of_ICE()
    {
        var credentials = IceCredentials.Create();

        Assert.Matches("^[A-Za-z0-9+/]{4,256}$", credentials.UsernameFragment);
        Assert.Matches("^[A-Za-z0-9+/]{22,256}$", credentials.Password);
    }

    [Fact]
    public void New_credentials_are_always_others()
    {
        var credentials = Enumerable.Range(0, 1000).Select(_ => IceCredentials.Create()).ToList();

        Assert.Distinct(credentials.Select(one => one.UsernameFragment));
        Assert.Distinct(credentials.Select(one => one.Password));
    }

    [Fact]
    public void A_password_is_not_in_the_text_of_its_credentials()
    {
        var credentials = IceCredentials.Create();

        Assert.DoesNotContain(credentials.Password, $"{credentials}", StringComparison.Ordinal);
    }
}
