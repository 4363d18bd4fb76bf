// The fields of Kubernetes' types by its Go code, for versions side by side.
package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"sort"
	"strconv"
	"strings"
)

// fields prints a line `type field 1.34,1.35` for every field that not all the versions have in which its type is.
// An argument is a version and the folders of its modules: 1.34=FOLDER,FOLDER.
func fields(arguments []string) {
	versions, have, types := []string{}, map[string][]string{}, map[string][]string{}
	for _, argument := range arguments {
		version, folders, _ := strings.Cut(argument, "=")
		versions = append(versions, version)
		structs := map[string]*ast.StructType{}
		for _, folder := range strings.Split(folders, ",") {
			read(folder, structs)
		}
		for name := range structs {
			types[name] = append(types[name], version)
			for field := range namesOf(name, structs) {
				have[name+" "+field] = append(have[name+" "+field], version)
			}
		}
	}
	lines := []string{}
	for line, versions := range have {
		name, _, _ := strings.Cut(line, " ")
		if len(versions) < len(types[name]) {
			lines = append(lines, line+" "+strings.Join(versions, ","))
		}
	}
	sort.Strings(lines)
	fmt.Println(strings.Join(lines, "\n"))
}

// read collects the structs of every API package of a module, by group, version and name.
func read(folder string, structs map[string]*ast.StructType) {
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return err
		}
		version := filepath.Base(filepath.Dir(path))
		if !strings.HasPrefix(version, "v") || strings.HasPrefix(entry.Name(), "zz_") {
			return nil
		}
		group := filepath.Base(filepath.Dir(filepath.Dir(path)))
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, declaration := range file.Decls {
			if types, is := declaration.(*ast.GenDecl); is && types.Tok == token.TYPE {
				for _, spec := range types.Specs {
					if known, is := spec.(*ast.TypeSpec).Type.(*ast.StructType); is {
						structs[group+"."+version+"."+spec.(*ast.TypeSpec).Name.Name] = known
					}
				}
			}
		}
		return nil
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// namesOf gives the JSON names of a type's fields, those of embedded types of its package among them.
func namesOf(name string, structs map[string]*ast.StructType) map[string]bool {
	names := map[string]bool{}
	for _, field := range structs[name].Fields.List {
		if field.Tag == nil {
			continue
		}
		tag, _ := strconv.Unquote(field.Tag.Value)
		json, options, _ := strings.Cut(reflect.StructTag(tag).Get("json"), ",")
		if embedded, is := field.Type.(*ast.Ident); is && options == "inline" {
			inner := name[:strings.LastIndex(name, ".")+1] + embedded.Name
			if structs[inner] != nil {
				for inherited := range namesOf(inner, structs) {
					names[inherited] = true
				}
			}
		}
		if json != "" && json != "-" {
			names[json] = true
		}
	}
	return names
}
