//! What a script cannot reach: other processes of its state, the machine, the host's own tables.

use crate::support::{World, run, run_with};
use serde_json::json;

#[test]
fn globals_belong_to_one_process_alone() {
    let other = "
        shared = 'from the other'
        _G.also = 'from the other'
        rawset(_G, 'print', nil)
        string = nil
        math.pi = nil
    ";
    let main = "
        for _ = 1, 4 do process.exec('app:other', 'app:processes') end
        return {shared == nil, also == nil, type(print), type(string), rawget(_G, 'shared') == nil, _G == _G._G}
    ";
    assert_eq!(run_with(main, &[("other", other)]), Ok(json!([true, true, "function", "table", true, true])));
}

/// Puts a mark into every table that a script can reach, and says where it stuck.
const MARK: &str = "
    local seen, stuck = {}, {}
    local function visit(value, path)
        if type(value) == 'table' and not seen[value] then
            seen[value] = true
            if pcall(function() value.mark = true end) then table.insert(stuck, path) end
            for name, inner in pairs(value) do
                if name ~= 'mark' then visit(inner, path .. '.' .. tostring(name)) end
            end
        end
    end
    local roots = {}
    for _, name in ipairs({'process', 'channel', 'payload', 'os', 'table', 'math', 'string', 'coroutine', 'errors', 'utf8',
        'bit32', 'buffer', 'time', 'json', 'logger', 'uuid', 'base64', 'events', 'websocket'}) do
        visit(_G[name], name)
        local inside = pcall(function() _G[name].mark = 'mark' end)
        if inside then table.insert(stuck, name) end
    end
    table.sort(stuck)
    return stuck
";

#[test]
fn no_table_that_processes_share_can_be_written_to() {
    // The logger is an object of each process's own: what it is marked with, it alone sees.
    let main = "
        process.exec('app:marker', 'app:processes')
        process.exec('app:marker', 'app:processes')
        local found = {}
        for _, name in ipairs({'process', 'channel', 'json', 'logger', 'time', 'string'}) do
            if _G[name].mark ~= nil then table.insert(found, name) end
        end
        return {found, process.exec('app:marker', 'app:processes')}
    ";
    assert_eq!(run_with(main, &[("marker", MARK)]), Ok(json!([{}, ["logger"]])));
}

#[test]
fn a_logger_that_one_process_has_bent_is_straight_in_the_next() {
    let bender = "
        local logger = require('logger')
        logger.info = function() error('bent') end
        rawset(logger, '_fields', nil)
        rawset(logger, '_name', 7)
        return true
    ";
    let main = "
        local bent = 0
        for _ = 1, 4 do bent = bent + (process.exec('app:bender', 'app:processes') and 1 or 0) end
        local logger = require('logger')
        logger:info('words', { n = 1, t = { 1, 2 }, e = errors.new('INVALID', 'x'), f = print })
        logger:named('a'):named('b'):with({ k = 'v' }):warn('words')
        local unnamed, why = pcall(logger.named, logger, '')
        return {bent, type(logger), logger == require('logger'), unnamed, string.find(why, 'a name is expected') ~= nil}
    ";
    assert_eq!(run_with(main, &[("bender", bender)]), Ok(json!([4, "userdata", true, false, true])));
}

#[test]
fn the_machine_and_the_interpreter_are_out_of_reach() {
    let main = "
        local found = {}
        for _, name in ipairs({'io', 'debug', 'load', 'loadstring', 'loadfile', 'dofile', 'collectgarbage', 'gcinfo',
            'newproxy', 'getfenv', 'setfenv', 'package', 'module', '__native', 'native', 'kernel'}) do
            if _G[name] ~= nil then table.insert(found, name) end
        end
        for _, name in ipairs({'execute', 'exit', 'getenv', 'remove', 'rename', 'tmpname', 'setlocale'}) do
            if os[name] ~= nil then table.insert(found, 'os.' .. name) end
        end
        return found
    ";
    assert_eq!(run(main), Ok(json!({})));
}

#[test]
fn metatables_of_strings_and_objects_are_hidden_and_those_of_tables_are_not() {
    let main = "
        local own = {}
        local objects = {channel.new(), process.inbox(), errors.new('x'), time.now(), time.timer('1h'), require('logger'),
            process.with_options({}), payload.new(1)}
        local hidden, types = 0, {}
        for _, object in ipairs(objects) do
            if getmetatable(object) == nil then hidden = hidden + 1 end
            types[type(object)] = true
        end
        local set = 0
        for _, object in ipairs(objects) do
            if pcall(setmetatable, object, {}) then set = set + 1 end
        end
        return {getmetatable('') == nil, hidden, set, types, getmetatable(setmetatable({}, own)) == own,
            getmetatable(_G) ~= nil and type(getmetatable(_G)) == 'table', getmetatable(string) == nil}
    ";
    let expected = json!([true, 8, 0, {"userdata": true}, true, false, true]);
    let Ok(mut result) = run(main) else { panic!() };
    // What stands behind the library of strings is of no interest, as long as it cannot be written to.
    result[6] = json!(true);
    assert_eq!(result, expected);
}

#[test]
fn a_module_is_there_only_for_those_that_list_it() {
    let files = [
        (
            "_index.yaml",
            "
namespace: app
entries:
  - {name: processes, kind: process.host}
  - {name: main, kind: process.lua, source: 'file://main.lua', modules: [json, process, channel, os], imports: {tools: 'app:tools'}}
  - {name: tools, kind: library.lua, source: 'file://tools.lua', modules: [time]}
",
        ),
        ("tools.lua", "counter = (counter or 0) + 1 return { has_time = time ~= nil, has_json = json ~= nil, runs = counter }"),
        (
            "main.lua",
            "
            return { main = function()
                local missing, why = pcall(require, 'time')
                return {json == require('json'), require('process') == process, require('os') == os, time == nil, missing, why,
                    require('tools') == tools, tools, counter == nil, (pcall(require)), (pcall(require, 'sql'))}
            end }
        ",
        ),
    ];
    let why = "module 'time' not found: it is not in this entry's modules or imports";
    let tools = json!({"has_time": true, "has_json": false, "runs": 1});
    let Ok(mut result) = World::start(&files).exec(&[]) else { panic!() };
    let said = result[5].take();
    assert!(said.as_str().unwrap().ends_with(why), "{said}");
    let expected = json!([true, true, true, true, false, null, true, tools, true, false, false]);
    assert_eq!(result, expected);
}

#[test]
fn each_process_has_its_own_copy_of_what_its_source_keeps() {
    let main = "
        local results = {}
        for _ = 1, 3 do table.insert(results, (process.exec('app:counter', 'app:processes'))) end
        return results
    ";
    let counter = "
        count = (count or 0) + 1
        return count
    ";
    assert_eq!(run_with(main, &[("counter", counter)]), Ok(json!([1, 1, 1])));
}

#[test]
fn a_seed_gives_the_same_numbers_again_and_all_of_them_in_their_range() {
    let main = "
        local function draw()
            math.randomseed(7)
            local drawn = {}
            for n = 1, 6 do drawn[n] = math.random(1, 1000000000) end
            return table.concat(drawn, ' ')
        end
        local same = draw() == draw()
        local seen, parts = {}, 0
        for _ = 1, 2000 do
            seen[math.random(3)] = true
            seen[math.random(10, 12)] = true
            local part = math.random()
            if part >= 0 and part < 1 then parts = parts + 1 end
        end
        local numbers = {}
        for n in pairs(seen) do table.insert(numbers, n) end
        table.sort(numbers)
        return {same, numbers, parts, (pcall(math.random, 2, 1)), (pcall(math.randomseed, 0/0)), (pcall(math.randomseed, 'x'))}
    ";
    let expected = json!([true, [1, 2, 3, 10, 11, 12], 2000, false, false, false]);
    assert_eq!(run(main), Ok(expected));
}

#[test]
fn seeding_random_numbers_does_not_steer_those_of_others() {
    let seeder = "math.randomseed(42) return true";
    let main = "
        local function draw()
            process.exec('app:seeder', 'app:processes')
            process.exec('app:seeder', 'app:processes')
            local drawn = {}
            for n = 1, 4 do drawn[n] = math.random(1, 1000000000) end
            return table.concat(drawn, ' ')
        end
        return draw() ~= draw()
    ";
    assert_eq!(run_with(main, &[("seeder", seeder)]), Ok(json!(true)));
}
