using PuppeteerSharp;
using Sessions.LocalHost;

namespace Sessions.Tests;

/// <summary>The pages of LocalHost in a real Chromium.</summary>
public sealed class PageTests(Server server) : IClassFixture<Server>, IAsyncLifetime
{
    private const string SessionsWithTag = "/sessions?tag=first";

    private readonly List<string> _problems = [];
    private Account _account = null!;
    private IBrowser? _browser;

    public async ValueTask InitializeAsync()
    {
        var program = BrowserTests.FindChromium();
        Assert.SkipWhen(program is null, "Chromium is not installed. Run: apt-get install chromium");
        _account = await server.NewAccountAsync(LocalCredential.Account);
        await _account.AddUserAsync(LocalCredential.User, LocalCredential.Secret, Security.Access.Write);
        _browser = await Puppeteer.LaunchAsync(new()
        {
            ExecutablePath = program,
            Args = ["--no-sandbox", "--disable-gpu"],
            DefaultViewport = new() { Width = 1280, Height = 720 },
        });
    }

    public async ValueTask DisposeAsync()
    {
        await (_browser?.DisposeAsync() ?? ValueTask.CompletedTask);
        Assert.Empty(_problems);
    }

    [Fact]
    public async Task The_start_page_shows_the_address_the_credentials_and_the_state_of_storage()
    {
        var page = await OpenAsync("/");

        Assert.Equal($"{server.Url}v1", await TextAsync(page, "#base"));
        Assert.Equal(["9900000", "local", "local"], [await TextAsync(page, "#account"), await TextAsync(page, "#user"), await TextAsync(page, "#secret")]);
        await WaitForTextAsync(page, "#storage", ": works");
        using var http = new HttpClient();
        foreach (var link in await LinksAsync(page))
        {
            using var response = await http.GetAsync(new Uri(link));
            Assert.True(response.IsSuccessStatusCode, link);
        }
    }

    [Theory]
    [InlineData("curl", "bash", "first.sh")]
    [InlineData("node", "node", "first.mjs")]
    [InlineData("python", "python3", "first.py")]
    public async Task A_sample_call_copied_from_the_page_works(string sample, string program, string file)
    {
        var page = await OpenAsync("/", "clipboard-read", "clipboard-write");
        if (sample != "curl")
            await (await page.QuerySelectorAsync($"details:has(#{sample}) summary")).PressAsync("Enter");

        // Keeps the page from resetting the label after two seconds.
        await page.EvaluateExpressionAsync("window.setTimeout = () => 0");
        await page.ClickAsync($"[data-copy={sample}]");
        await WaitForTextAsync(page, "#said", $"Copied: {sample}.");
        Assert.Equal("Copied", await TextAsync(page, $"[data-copy={sample}]"));
        var before = (await _account.GetAsync(SessionsWithTag)).Json.GetArrayLength();

        var output = await RunAsync(program, file, await page.EvaluateExpressionAsync<string>("navigator.clipboard.readText()"));

        Assert.Contains("AUDIO", output, StringComparison.Ordinal);
        Assert.Equal(before + 1, (await _account.GetAsync(SessionsWithTag)).Json.GetArrayLength());
    }

    [Fact]
    public async Task If_copying_is_not_allowed_the_page_selects_the_text_and_explains_how_to_copy_it()
    {
        var page = await OpenAsync("/");
        await page.EvaluateFunctionAsync("() => { navigator.clipboard.writeText = () => Promise.reject(new Error()); }");

        await page.ClickAsync("[data-copy=base]");

        await WaitForTextAsync(page, "#said", "press Ctrl+C");
        Assert.Equal($"{server.Url}v1", await page.EvaluateExpressionAsync<string>("getSelection().toString()"));
    }

    [Theory]
    [InlineData(320)]
    [InlineData(1280)]
    public async Task The_start_page_fits_the_width_of_the_screen(int width)
    {
        var page = await OpenAsync("/");
        await page.SetViewportAsync(new() { Width = width, Height = 800 });

        Assert.True(await page.EvaluateExpressionAsync<bool>("document.documentElement.scrollWidth <= innerWidth"));
    }

    [Fact]
    public async Task The_start_page_follows_the_dark_mode_of_the_browser()
    {
        var page = await OpenAsync("/");
        await page.EmulateMediaFeaturesAsync([new() { MediaFeature = MediaFeature.PrefersColorScheme, Value = "dark" }]);

        Assert.Equal("rgb(20, 23, 27)", await page.EvaluateExpressionAsync<string>("getComputedStyle(document.body).backgroundColor"));
    }

    [Fact]
    public async Task The_reference_page_shows_the_operations()
    {
        var page = await OpenAsync("/reference");

        await WaitForTextAsync(page, "body", "Create a session");
        await page.WaitForNetworkIdleAsync();
    }

    [Theory]
    [InlineData("api", "The API")]
    [InlineData("performance", "Performance")]
    public async Task Every_local_link_of_a_document_page_works(string name, string title)
    {
        var page = await OpenAsync($"/docs/{name}.md");

        Assert.Equal(title, await TextAsync(page, "h1"));
        await page.WaitForNetworkIdleAsync();
        using var http = new HttpClient();
        foreach (var link in await LinksAsync(page))
        {
            if (!link.StartsWith(server.Url.ToString(), StringComparison.Ordinal))
                continue;

            using var response = await http.GetAsync(new Uri(link));
            Assert.True(response.IsSuccessStatusCode, link);
        }
    }

    /// <summary>Opens a page. The page must neither log an error nor send a request to another server.</summary>
    private async Task<IPage> OpenAsync(string path, params string[] permissions)
    {
        var context = await _browser!.CreateBrowserContextAsync();
        var granted = permissions.Select(name => new PermissionEntry { Permission = new() { Name = name }, State = PermissionState.Granted });
        await context.SetPermissionAsync(server.Url.GetLeftPart(UriPartial.Authority), [.. granted]);
        var page = await context.NewPageAsync();
        page.Console += (_, e) => AddWhen(e.Message.Type == ConsoleType.Error, e.Message.Text);
        page.PageError += (_, e) => AddWhen(true, e.Message);
        page.RequestFailed += (_, e) => AddWhen(true, $"{e.Request.Url} {e.Request.FailureText}");
        page.Request += (_, e) => AddWhen(
            e.Request.Url.StartsWith("http", StringComparison.Ordinal) && !e.Request.Url.StartsWith(server.Url.ToString(), StringComparison.Ordinal), e.Request.Url);
        await page.GoToAsync(new Uri(server.Url, path).ToString());
        return page;
    }

    private static Task<string> TextAsync(IPage page, string selector) =>
        page.EvaluateFunctionAsync<string>("selector => document.querySelector(selector).innerText", selector);

    private static Task<string[]> LinksAsync(IPage page) =>
        page.EvaluateExpressionAsync<string[]>("[...document.querySelectorAll('a')].map(link => link.href)");

    private static async Task WaitForTextAsync(IPage page, string selector, string text) =>
        await page.WaitForFunctionAsync("(selector, text) => document.querySelector(selector)?.innerText.includes(text)", selector, text);

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
