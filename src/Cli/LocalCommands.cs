using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;

namespace Sessions.Cli;

/// <summary><c>sessions status</c> and <c>sessions reset</c>: show and delete LocalHost's data on this machine.</summary>
internal static class LocalCommands
{
    public static Command Status(CliContext context)
    {
        var folder = Folder();
        var command = new Command("status", "Shows the data that LocalHost keeps on this machine, and whether LocalHost is running.") { folder };
        command.SetAction(async (parsed, _) =>
        {
            var data = Find(parsed.GetValue(folder));
            var (size, running) = (data.Size(), data.Running());
            var text = $"Data       {data.Folder}, {Megabytes(size)}";
            text += running is null ? $"{Environment.NewLine}LocalHost  is not running"
                : $"{Environment.NewLine}LocalHost  {running.Url}, process {running.ProcessId}"
                    + $"{Environment.NewLine}Storage    export Sessions__StorageConnectionString='{running.ConnectionString}'";
            await context.WriteAsync(parsed, text, new JsonObject
            {
                ["folder"] = data.Folder,
                ["bytes"] = size,
                ["running"] = running is not null,
                ["url"] = running?.Url,
                ["processId"] = running?.ProcessId,
                ["storageConnectionString"] = running?.ConnectionString,
            });
            return 0;
        });
        return command;
    }

    public static Command Reset(CliContext context)
    {
        var folder = Folder();
        var yes = new Option<bool>("--yes") { Description = "Delete the data. Without it, the command only prints the size and the folder." };
        var command = new Command("reset", "Deletes the data that LocalHost keeps on this machine: sessions, credentials, events, and the signing key.") { folder, yes };
        command.SetAction(async (parsed, _) =>
        {
            var data = Find(parsed.GetValue(folder));
            var size = data.Size();
            if (!parsed.GetValue(yes))
                throw new CliException($"This would delete {Megabytes(size)} in {data.Folder}. To delete it, add --yes to the command.");
            if (!data.TryDelete())
                throw new CliException($"LocalHost is using {data.Folder}: stop it first.");

            await context.WriteAsync(
                parsed, $"{data.Folder} is deleted. The next start of LocalHost begins with empty tables.", new JsonObject { ["folder"] = data.Folder, ["bytes"] = size });
            return 0;
        });
        return command;
    }

    private static string Megabytes(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1024.0 / 1024.0:F1} MB");

    private static Option<string> Folder() => new("--data") { Description = "The folder of LocalHost's data, if it is not that of this clone.", HelpName = "FOLDER" };

    private static LocalData Find(string? folder)
    {
        var data = new LocalData(Path.GetFullPath(folder ?? Path.Combine(LocalData.FindFolder("azurite", AppContext.BaseDirectory, Environment.CurrentDirectory), "data")));
        return data.Exists ? data : throw new CliException($"{data.Folder} contains no data of LocalHost. Give the folder with --data FOLDER.");
    }
}
