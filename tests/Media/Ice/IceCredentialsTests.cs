using Sessions.Media.Ice;

namespace Sessions.Tests.Media.Ice;

public sealed class IceCredentialsTests
{
    [Fact]
    public void New_credentials_have_valid_lengths_and_ICE_characters()
    {
        var credentials = IceCredentials.Create();

        Assert.Matches("^[A-Za-z0-9+/]{4,256}$", credentials.UsernameFragment);
        Assert.Matches("^[A-Za-z0-9+/]{22,256}$", credentials.Password);
    }

    [Fact]
    public void New_credentials_are_unique()
    {
        var credentials = Enumerable.Range(0, 1000).Select(_ => IceCredentials.Create()).ToList();

        Assert.Distinct(credentials.Select(one => one.UsernameFragment));
        Assert.Distinct(credentials.Select(one => one.Password));
    }

    [Fact]
    public void ToString_does_not_contain_the_password()
    {
        var credentials = IceCredentials.Create();

        Assert.DoesNotContain(credentials.Password, $"{credentials}", StringComparison.Ordinal);
    }
}
