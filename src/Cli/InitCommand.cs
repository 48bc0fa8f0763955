using System.CommandLine;
using System.Text.Json.Nodes;
using Sessions.Security;
using Sessions.Storage;

namespace Sessions.Cli;

/// <summary><c>sessions init</c>: creates the tables, the queues and a user in a storage account.</summary>
internal static class InitCommand
{
    public static Command Create(CliContext context)
    {
        var (account, user) = (CliContext.Account(), CredentialCommands.User());
        var command = new Command(
            "init",
            "Creates missing tables and queues, adds a user with full access, and prints the generated secret once.")
        {
            account, user,
        };
        command.SetAction((parsed, cancellation) => context.WithTablesAsync(async tables =>
        {
            var (accountId, userName) = (CliContext.AccountOf(parsed.GetRequiredValue(account)), CredentialCommands.NewUserOf(parsed.GetRequiredValue(user)));
            await tables.CreateAsync(cancellation);
            await context.WithQueuesAsync(queues => queues.CreateAsync(cancellation), cancellation);
            var secret = CredentialCommands.NewSecret();
            if (!await new CredentialStore(tables, context.Time).AddAsync(accountId, userName, new(BasicCredentials.Hash(secret), Access.Write), cancellation))
                throw new CliException($"The tables and queues exist. {userName} already exists in account {accountId}. For a new secret, run sessions credentials rotate.");

            await context.WriteAsync(
                parsed, secret, new JsonObject { ["account"] = accountId.ToString(), ["user"] = userName, ["access"] = "write", ["secret"] = secret });
            return 0;
        }, cancellation));
        return command;
    }
}
