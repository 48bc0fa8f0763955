using System.Buffers.Text;
using System.CommandLine;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Sessions.Model;
using Sessions.Security;
using Sessions.Storage;

namespace Sessions.Cli;

/// <summary><c>sessions credentials</c>: manages the users of an account.</summary>
internal static class CredentialCommands
{
    private const int SecretBytes = 32;

    public static Command Create(CliContext context) => new("credentials", "The users of an account and their secrets.")
    {
        Add(context), List(context), Revoke(context), Rotate(context),
    };

    private static Command Add(CliContext context)
    {
        var (account, user) = (CliContext.Account(), User());
        var readOnly = new Option<bool>("--read-only") { Description = "The user may only read." };
        var command = new Command("add", "Adds a user and prints the generated secret once. Only the hash of the secret is stored.") { account, user, readOnly };
        command.SetAction((parsed, cancellation) => context.WithTablesAsync(async tables =>
        {
            var (accountId, userName) = (CliContext.AccountOf(parsed.GetRequiredValue(account)), NewUserOf(parsed.GetRequiredValue(user)));
            var (secret, access) = (NewSecret(), parsed.GetValue(readOnly) ? Access.Read : Access.Write);
            var credentials = new CredentialStore(tables, context.Time);
            if (!await credentials.AddAsync(accountId, userName, new(BasicCredentials.Hash(secret), access), cancellation))
                throw new CliException($"{userName} already exists in account {accountId}. For a new secret, run sessions credentials rotate.");

            await context.WriteAsync(parsed, secret, new JsonObject
            {
                ["account"] = accountId.ToString(),
                ["user"] = userName,
                ["access"] = NameOf(access),
                ["secret"] = secret,
            });
            return 0;
        }, cancellation));
        return command;
    }

    private static Command List(CliContext context)
    {
        var account = CliContext.Account();
        var command = new Command("list", "Lists the users, their access and when they were added.") { account };
        command.SetAction((parsed, cancellation) => context.WithTablesAsync(async tables =>
        {
            var accountId = CliContext.AccountOf(parsed.GetRequiredValue(account));
            var users = await new CredentialStore(tables, context.Time).ListAsync(accountId, cancellation).ToListAsync(cancellation);
            var width = users.Select(user => user.Name.Length).DefaultIfEmpty().Max();
            var lines = users.Select(user => $"{user.Name.PadRight(width)}  {NameOf(user.Access),-5}  {user.Created:yyyy-MM-dd HH:mm:ss}Z");
            var json = users.Select(user => (JsonNode)new JsonObject
            {
                ["user"] = user.Name,
                ["access"] = NameOf(user.Access),
                ["created"] = CliContext.Text(user.Created),
            });
            var text = users.Count > 0 ? string.Join(Environment.NewLine, lines) : $"Account {accountId} has no users.";
            await context.WriteAsync(parsed, text, new JsonArray([.. json]));
            return 0;
        }, cancellation));
        return command;
    }

    private static Command Revoke(CliContext context)
    {
        var (account, user) = (CliContext.Account(), User());
        var command = new Command("revoke", "Deletes a user. Servers that have cached the credential accept it for up to another minute.") { account, user };
        command.SetAction((parsed, cancellation) => context.WithTablesAsync(async tables =>
        {
            var (accountId, userName) = (CliContext.AccountOf(parsed.GetRequiredValue(account)), parsed.GetRequiredValue(user));
            if (!await new CredentialStore(tables, context.Time).RemoveAsync(accountId, userName, cancellation))
                throw NoSuchUser(accountId, userName);

            await context.WriteAsync(
                parsed,
                $"{userName} is revoked. All servers refuse the credential within a minute.",
                new JsonObject { ["account"] = accountId.ToString(), ["user"] = userName, ["revoked"] = true });
            return 0;
        }, cancellation));
        return command;
    }

    private static Command Rotate(CliContext context)
    {
        var (account, user) = (CliContext.Account(), User());
        var keep = CliContext.Keep("How long the previous secret stays valid, at most 30d. An older secret becomes invalid immediately.");
        var command = new Command("rotate", "Generates a new secret for a user and prints it once. The previous secret stays valid for the time of --keep.") { account, user, keep };
        command.SetAction((parsed, cancellation) => context.WithTablesAsync(async tables =>
        {
            var (accountId, userName) = (CliContext.AccountOf(parsed.GetRequiredValue(account)), parsed.GetRequiredValue(user));
            var secret = NewSecret();
            var credentials = new CredentialStore(tables, context.Time);
            var until = context.Time.GetUtcNow() + parsed.GetValue(keep);
            if (!await credentials.RotateAsync(accountId, userName, BasicCredentials.Hash(secret), parsed.GetValue(keep), cancellation))
                throw NoSuchUser(accountId, userName);

            await context.WriteKeptAsync(parsed, until);
            await context.WriteAsync(parsed, secret, new JsonObject
            {
                ["account"] = accountId.ToString(),
                ["user"] = userName,
                ["secret"] = secret,
                ["previousValidUntil"] = CliContext.Text(until),
            });
            return 0;
        }, cancellation));
        return command;
    }

    public static Argument<string> User() => new("USER") { Description = "The user name for HTTP Basic authentication, for example ann." };

    public static string NewUserOf(string user)
        => user.Length > 0 && !user.Contains(':') && !user.Any(char.IsControl) && Encoding.UTF8.GetByteCount(user) <= CredentialStore.MaxUserNameBytes
            ? user
            : throw new CliException($"This is not a valid user name: expected 1 to {CredentialStore.MaxUserNameBytes} bytes without a colon or a control character.");

    private static CliException NoSuchUser(AccountId accountId, string userName)
        => new($"{userName} is not a user of account {accountId}. To list the users, run sessions credentials list.");

    private static string NameOf(Access access) => access == Access.Read ? "read" : "write";

    public static string NewSecret() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(SecretBytes));
}
