using Microsoft.Playwright;
using Sessions.LocalHost;

namespace Sessions.Tests;

/// <summary>The pages of LocalHost in a real Chromium.</summary>
[Collection(nameof(BrowserTests))]
public sealed class PageTests(Server server) : IClassFixture<Server>, IAsyncLifetime
{
    private const string SessionsWithTag = "/sessions?tag=first";

    private readonly List<string> _problems = [];
    private Account _account = null!;
    private IPlaywright? _playwright;
    private IBrowser? _browser;

    public async ValueTask InitializeAsync()
    {
        var program = BrowserTests.FindChromium();
        Assert.SkipWhen(program is null, "There is no Chromium: apt-get install chromium");
        _account = await server.NewAccountAsync(LocalCredential.Account);
        await _account.AddUserAsync(LocalCredential.User, LocalCredential.Secret, Security.Access.Write);
        _playwright = await Playwright.CreateAsync();
        _browser = await _playwright.Chromium.LaunchAsync(new() { ExecutablePath = program, Args = ["--no-sandbox", "--disable-gpu"] });
    }

    public async ValueTask DisposeAsync()
    {
        await (_browser?.DisposeAsync() ?? ValueTask.CompletedTask);
        _playwright?.Dispose();
        Assert.Empty(_problems);
    }

    [Fact]
    public async Task The_first_page_shows_the_address_the_credentials_and_what_is_running()
    {
        var page = await OpenAsync("/");

        Assert.Equal($"{server.Url}v1", await page.InnerTextAsync("#base"));
        Assert.Equal(["9900000", "local", "local"], [await page.InnerTextAsync("#account"), await page.InnerTextAsync("#user"), await page.InnerTextAsync("#secret")]);
        await Assertions.Expect(page.Locator("#storage")).ToHaveTextAsync(": works");
        using var http = new HttpClient();
        foreach (var link in await page.Locator("a").EvaluateAllAsync<string[]>("links => links.map(link => link.href)"))
        {
            using var response = await http.GetAsync(new Uri(link));
            Assert.True(response.IsSuccessStatusCode, link);
        }
    }

    [Theory]
    [InlineData("curl", "bash", "first.sh")]
    [InlineData("node", "node", "first.mjs")]
    [InlineData("python", "python3", "first.py")]
    public async Task A_first_call_that_is_copied_from_the_page_works(string sample, string program, string file)
    {
        var page = await OpenAsync("/", "clipboard-read", "clipboard-write");
        if (sample != "curl")
            await page.Locator("details", new() { Has = page.Locator($"#{sample}") }).Locator("summary").PressAsync("Enter");
        await page.ClickAsync($"[data-copy={sample}]");
        await Assertions.Expect(page.Locator("#said")).ToHaveTextAsync($"Copied: {sample}.");
        Assert.Equal("Copied", await page.InnerTextAsync($"[data-copy={sample}]"));
        var before = (await _account.GetAsync(SessionsWithTag)).Json.GetArrayLength();

        var output = await RunAsync(program, file, await page.EvaluateAsync<string>("navigator.clipboard.readText()"));

        Assert.Contains("AUDIO", output, StringComparison.Ordinal);
        Assert.Equal(before + 1, (await _account.GetAsync(SessionsWithTag)).Json.GetArrayLength());
    }

    [Fact]
    public async Task Where_copying_is_not_allowed_the_text_is_selected_and_the_page_says_so()
    {
        var page = await OpenAsync("/");
        await page.EvaluateAsync("() => { navigator.clipboard.writeText = () => Promise.reject(new Error()); }");

        await page.ClickAsync("[data-copy=base]");

        await Assertions.Expect(page.Locator("#said")).ToContainTextAsync("press Ctrl+C");
        Assert.Equal($"{server.Url}v1", await page.EvaluateAsync<string>("getSelection().toString()"));
    }

    [Theory]
    [InlineData(320)]
    [InlineData(1280)]
    public async Task The_first_page_fits_a_screen(int width)
    {
        var page = await OpenAsync("/");
        await page.SetViewportSizeAsync(width, 800);

        Assert.True(await page.EvaluateAsync<bool>("document.documentElement.scrollWidth <= innerWidth"));
    }

    [Fact]
    public async Task The_first_page_is_dark_where_the_browser_is()
    {
        var page = await OpenAsync("/");
        await page.EmulateMediaAsync(new() { ColorScheme = ColorScheme.Dark });

        Assert.Equal("rgb(20, 23, 27)", await page.EvaluateAsync<string>("getComputedStyle(document.body).backgroundColor"));
    }

    [Fact]
    public async Task The_reference_shows_the_operations()
    {
        var page = await OpenAsync("/reference");

        await Assertions.Expect(page.GetByText("Create a session").First).ToBeVisibleAsync(new() { Timeout = 30_000 });
        await page.WaitForLoadStateAsync(LoadState.NetworkIdle);
    }

    [Theory]
    [InlineData("api", "The API")]
    [InlineData("performance", "Performance")]
    public async Task A_document_is_a_page_whose_links_lead_somewhere(string name, string title)
    {
        var page = await OpenAsync($"/docs/{name}.md");

        Assert.Equal(title, await page.InnerTextAsync("h1"));
        await page.WaitForLoadStateAsync(LoadState.NetworkIdle);
        using var http = new HttpClient();
        foreach (var link in await page.Locator("a").EvaluateAllAsync<string[]>("links => links.map(link => link.href)"))
        {
            if (!link.StartsWith(server.Url.ToString(), StringComparison.Ordinal))
                continue;

            using var response = await http.GetAsync(new Uri(link));
            Assert.True(response.IsSuccessStatusCode, link);
        }
    }

    /// <summary>Opens a page, which may not log an error nor ask another server for anything.</summary>
    private async Task<IPage> OpenAsync(string path, params string[] permissions)
    {
        var context = await _browser!.NewContextAsync(new() { BaseURL = server.Url.ToString(), Permissions = permissions });
        var page = await context.NewPageAsync();
        page.Console += (_, message) => AddWhen(message.Type == "error", message.Text);
        page.PageError += (_, error) => AddWhen(true, error);
        page.RequestFailed += (_, request) => AddWhen(true, $"{request.Url} {request.Failure}");
        page.Request += (_, request) => AddWhen(
            request.Url.StartsWith("http", StringComparison.Ordinal) && !request.Url.StartsWith(server.Url.ToString(), StringComparison.Ordinal), request.Url);
        await page.GotoAsync(path);
        return page;
    }

    private void AddWhen(bool isProblem, string text)
    {
        if (isProblem)
            _problems.Add(text);
    }

    private static async Task<string> RunAsync(string program, string file, string text)
    {
        var folder = Directory.CreateTempSubdirectory("sessions-page-");
        try
        {
            await File.WriteAllTextAsync(Path.Combine(folder.FullName, file), text);
            using var process = Node.Start(new(program, [file]), folder.FullName);
            var errors = process.StandardError.ReadToEndAsync();
            var output = await process.StandardOutput.ReadToEndAsync();
            await process.EndAsync();
            Assert.True(process.ExitCode == 0, await errors);
            return output;
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
