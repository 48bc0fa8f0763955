using System.Text.Json;
using Sessions.Gateway;
using Sessions.LocalHost;

namespace Sessions.Tests;

/// <summary>The arguments of LocalHost, and the addresses at which it listens.</summary>
public sealed class LocalHostArgumentTests
{
    [Theory]
    [InlineData("--port: there is no such argument. Run with --help to list the arguments, for example --urls http://localhost:PORT.", "--port", "99")]
    [InlineData("--nonsense: there is no such argument. Run with --help to list the arguments, for example --urls http://localhost:PORT.", "--nonsense")]
    [InlineData("nonsense: there is no such argument. Run with --help to list the arguments, for example --urls http://localhost:PORT.", "nonsense")]
    [InlineData("--url: there is no such argument. Did you mean --urls?", "--url", "http://localhost:1")]
    [InlineData("--Sessions:SessionLifetime: expected a value, for example --Sessions:SessionLifetime=VALUE.", "--Sessions:SessionLifetime")]
    [InlineData("--Sessions:SessionLifetime: expected a value, for example --Sessions:SessionLifetime=VALUE.", "--Sessions:SessionLifetime", "--help")]
    [InlineData("--credential: expected a user and a secret with a colon between them, for example ann:SECRET.", "--credential", "ann")]
    public async Task An_unknown_argument_or_one_without_a_value_is_reported(string line, params string[] args)
        => Assert.Equal(line, (await Assert.ThrowsAsync<LocalHostException>(() => LocalHostArguments.ReadAsync(args))).Message);

    [Fact]
    public async Task Settings_are_accepted_with_or_without_an_equals_sign()
    {
        var arguments = await LocalHostArguments.ReadAsync(
        [
            "--Sessions:SessionLifetime=00:00:20", "--Sessions:RequestTimeout", "5s", "--Logging:LogLevel:Sessions.LocalHost.Request=None",
            "--urls=http://127.0.0.1:0", "--data", "folder",
        ]);

        Assert.Equal(
            [
                "--Sessions:SessionLifetime=00:00:20", "--Sessions:RequestTimeout=5s", "--Logging:LogLevel:Sessions.LocalHost.Request=None",
                "--urls=http://127.0.0.1:0",
            ],
            arguments!.Settings);
        Assert.Equal(("folder", LocalAccess.Known), (arguments.DataFolder, arguments.Access));
    }

    [Fact]
    public async Task A_custom_credential_replaces_the_default_one()
    {
        var arguments = (await LocalHostArguments.ReadAsync(["--credential", "ann:se:cret"]))!;

        Assert.Equal(new LocalAccess("ann", "se:cret", IsOpenToNetwork: false), arguments.Access);
        Assert.False(arguments.Access.IsKnown);
    }

    [Theory]
    [InlineData("http://localhost:99999: expected a port from 0 to 65535. Choose another address with --urls http://localhost:PORT.", "http://localhost:99999")]
    [InlineData("http://localhost:abc: expected a port from 0 to 65535. Choose another address with --urls http://localhost:PORT.", "http://localhost:abc")]
    [InlineData("Invalid url: 'nonsense'. Choose another address with --urls http://localhost:PORT.", "nonsense")]
    [InlineData("https://localhost:7443: https needs a certificate, and this program has none. Use http, and put a proxy with a certificate in front of it, for example Caddy.", "https://localhost:7443")]
    public void An_invalid_address_is_reported_in_one_line(string line, string url)
        => Assert.Equal(line, Assert.Throws<GatewayException>(() => ConsoleServer.CreateBuilder([$"--urls={url}"], "http://localhost:1")).Message);

    [Theory]
    [InlineData("--Logging:LogLevel:Default")]
    [InlineData("--Logging:Console:LogLevel:Sessions.LocalHost.Request")]
    public void An_unknown_log_level_is_reported_in_one_line(string name)
        => Assert.Equal(
            $"{name}: expected Trace, Debug, Information, Warning, Error, Critical or None.",
            Assert.Throws<GatewayException>(() => ConsoleServer.CreateBuilder([$"{name}=Verbose"], "http://localhost:1")).Message);

    [Theory]
    [InlineData("http://0.0.0.0:7071")]
    [InlineData("http://*:7071")]
    [InlineData("http://[::]:7071")]
    [InlineData("http://localhost:7071;http://192.0.2.1:7071")]
    public async Task Listening_on_the_network_with_the_default_credential_needs_an_explicit_option(string urls)
        => Assert.EndsWith(
            ", so everybody there could use account 9900000 with the known credential local:local. "
            + "Give a credential of your own with --credential USER:SECRET, or accept this with --open-to-network.",
            (await Assert.ThrowsAsync<LocalHostException>(() => LocalHostProgram.RunAsync([$"--urls={urls}"]))).Message,
            StringComparison.Ordinal);

    [Fact]
    public async Task An_unknown_setting_is_rejected_at_startup()
        => Assert.Equal(
            "--Sessions:SessionLifetme: there is no such setting. Did you mean --Sessions:SessionLifetime?",
            (await Assert.ThrowsAsync<InvalidConfigurationException>(() => LocalHostProgram.RunAsync(["--Sessions:SessionLifetme=1h"]))).Message);

    [Fact]
    public async Task An_unwritable_data_folder_is_reported_in_one_line()
    {
        var file = Path.GetTempFileName();

        var exception = await Assert.ThrowsAsync<LocalHostException>(() => Azurite.StartAsync(LocalStorage.AzuriteFolder, Path.Combine(file, "data")));

        Assert.Equal($"{Path.Combine(file, "data")} cannot be written: choose another folder with --data FOLDER.", exception.Message);
    }

    [Fact]
    public async Task The_data_of_LocalHost_can_be_deleted_only_while_it_is_not_running()
    {
        var data = new LocalData(Directory.CreateTempSubdirectory("sessions-").FullName);
        using (data.TryLock())
        {
            data.WriteRunning(new(7, "http://localhost:7071", "storage"));
            await File.WriteAllTextAsync(Path.Combine(data.Folder, "token-signing.key"), "key");

            var running = JsonElement.Parse((await RunCliAsync("status", "--data", data.Folder, "--output", "json")).Output);
            Assert.Equal(
                (true, 7, "http://localhost:7071", "storage"),
                (running.GetProperty("running").GetBoolean(), running.GetProperty("processId").GetInt32(), running.GetProperty("url").GetString(), running.GetProperty("storageConnectionString").GetString()));
            Assert.Equal((1, $"LocalHost is using {data.Folder}: stop it first."), await ErrorAsync("reset", "--yes", "--data", data.Folder));
        }

        var status = await RunCliAsync("status", "--data", data.Folder);
        Assert.EndsWith("LocalHost  is not running", status.Output, StringComparison.Ordinal);
        Assert.Equal((1, $"This would delete 0.0 MB in {data.Folder}. To delete it, add --yes to the command."), await ErrorAsync("reset", "--data", data.Folder));
        Assert.NotEmpty(Directory.EnumerateFiles(data.Folder));
        Assert.Equal(0, (await RunCliAsync("reset", "--yes", "--data", data.Folder)).ExitCode);
        Assert.Empty(Directory.EnumerateFiles(data.Folder));
        Assert.Equal((1, $"{data.Folder} contains no data of LocalHost. Give the folder with --data FOLDER."), await ErrorAsync("reset", "--yes", "--data", data.Folder));
    }

    private static async Task<(int ExitCode, string Error)> ErrorAsync(params string[] args)
    {
        var (exitCode, _, error) = await RunCliAsync(args);
        return (exitCode, error);
    }

    private static async Task<(int ExitCode, string Output, string Error)> RunCliAsync(params string[] args)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var exitCode = await Cli.CliProgram.RunAsync(
            args, output, error, new Microsoft.Extensions.Configuration.ConfigurationBuilder().Build(), TimeProvider.System);
        return (exitCode, output.ToString().TrimEnd(), error.ToString().TrimEnd());
    }
}
