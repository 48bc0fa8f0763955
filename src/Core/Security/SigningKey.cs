using System.Runtime.CompilerServices;
using System.Text;
using Azure.Identity;
using Azure.Security.KeyVault.Secrets;
using Microsoft.Extensions.Logging;

namespace Sessions.Security;

/// <summary>
/// The key that signs participants' tokens. App Service gives an app the text of a Key Vault reference when it could not read the
/// vault, for example while a role is new. The environment of a running process never changes, so the app then reads the secret
/// itself, with its own identity, until it has it (https://learn.microsoft.com/azure/app-service/app-service-key-vault-references).
/// </summary>
public sealed partial class SigningKey
{
    /// <summary>How long the app waits before it looks again.</summary>
    public static readonly TimeSpan Pause = TimeSpan.FromSeconds(5);

    /// <summary>The fewest bytes that a key may have.</summary>
    public const int MinBytes = 32;

    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);

    private readonly Uri? _secret;
    private readonly Func<Uri, CancellationToken, Task<string>> _read;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Lock _lock = new();
    private volatile byte[]? _bytes;
    private Task? _look;
    private long _began;

    /// <summary>The configured key, or the one that the configured reference names.</summary>
    public SigningKey(SessionsOptions options, TimeProvider time, ILogger<SigningKey> logger)
        : this(options, ReadAsync, time, logger)
    {
    }

    internal SigningKey(SessionsOptions options, Func<Uri, CancellationToken, Task<string>> read, TimeProvider time, ILogger<SigningKey> logger)
    {
        (_secret, _read, _time, _logger) = (options.TokenSigningSecret, read, time, logger);
        _bytes = _secret is null ? options.TokenSigningKey.ToArray() : null;
    }

    /// <summary>The key's bytes.</summary>
    /// <exception cref="InvalidOperationException"><see cref="IsThereAsync"/> has not returned true yet.</exception>
    public byte[] Bytes => _bytes ?? throw new InvalidOperationException("The signing key is not there yet.");

    /// <summary>Whether the key is there. When it is not, the vault is read, at most once in <see cref="Pause"/>.</summary>
    /// <param name="cancellation">Ends the wait, and not the look, which others may share.</param>
    public ValueTask<bool> IsThereAsync(CancellationToken cancellation) => _bytes is null ? LookAsync(cancellation) : new(true);

    private async ValueTask<bool> LookAsync(CancellationToken cancellation)
    {
        Task look;
        lock (_lock)
        {
            if (_look is null || (_look.IsCompleted && _time.GetElapsedTime(_began) >= Pause))
                (_began, _look) = (_time.GetTimestamp(), LookAsync());
            look = _look;
        }

        await look.WaitAsync(cancellation);
        return _bytes is not null;
    }

    private async Task LookAsync()
    {
        using var deadline = new CancellationTokenSource(Timeout, _time);
        try
        {
            var bytes = Encoding.UTF8.GetBytes(await _read(_secret!, deadline.Token));
            if (bytes.Length >= MinBytes)
                _bytes = bytes;
            else
                LogTooShort(_secret!.Host, bytes.Length);
        }
        catch (Exception exception)
        {
            LogUnread(_secret!.Host, exception);
        }
    }

    // Not inlined, so that Azure.Identity and what it brings are loaded only when it is called.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static async Task<string> ReadAsync(Uri secret, CancellationToken cancellation)
    {
        var id = new KeyVaultSecretIdentifier(secret);
        return (await new SecretClient(id.VaultUri, new DefaultAzureCredential()).GetSecretAsync(id.Name, id.Version, cancellation)).Value.Value;
    }

    [LoggerMessage(8, LogLevel.Warning, "The token signing key cannot be read from {Vault}. Requests get 503, and it is tried again.")]
    private partial void LogUnread(string vault, Exception exception);

    [LoggerMessage(9, LogLevel.Error, "The token signing key in {Vault} has {Count} bytes, and needs 32. Requests get 503, and it is read again.")]
    private partial void LogTooShort(string vault, int count);
}
