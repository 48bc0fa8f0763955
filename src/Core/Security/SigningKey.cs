using System.Runtime.CompilerServices;
using System.Text;
using Azure.Identity;
using Azure.Security.KeyVault.Secrets;
using Microsoft.Extensions.Logging;

namespace Sessions.Security;

/// <summary>
/// The key that signs participants' tokens. App Service passes the text of a Key Vault reference to the app if it cannot read the vault,
/// for example shortly after a role was assigned. The environment of a running process never changes, so the app then reads the secret
/// itself with its own identity, and retries until it succeeds
/// (https://learn.microsoft.com/azure/app-service/app-service-key-vault-references).
/// </summary>
public sealed partial class SigningKey
{
    /// <summary>How long the app waits between two reads of the vault.</summary>
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

    /// <summary>Uses the configured key, or the key in the secret that the configured reference names.</summary>
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
    public byte[] Bytes => _bytes ?? throw new InvalidOperationException("The signing key has not been read yet.");

    /// <summary>Whether the key is available. If it is not, the vault is read, at most once in <see cref="Pause"/>.</summary>
    /// <param name="cancellation">Cancels the wait, but not the read of the vault, which other requests may share.</param>
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

    // Not inlined, so that Azure.Identity and its dependencies are loaded only when this method is called.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static async Task<string> ReadAsync(Uri secret, CancellationToken cancellation)
    {
        var id = new KeyVaultSecretIdentifier(secret);
        return (await new SecretClient(id.VaultUri, new DefaultAzureCredential()).GetSecretAsync(id.Name, id.Version, cancellation)).Value.Value;
    }

    [LoggerMessage(8, LogLevel.Warning, "The token signing key cannot be read from {Vault}. Requests get 503 until a retry succeeds.")]
    private partial void LogUnread(string vault, Exception exception);

    [LoggerMessage(9, LogLevel.Error, "The token signing key in {Vault} has {Count} bytes, but needs at least 32. Requests get 503 until the vault has a longer key.")]
    private partial void LogTooShort(string vault, int count);
}
