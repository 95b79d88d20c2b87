// Reads the checkpoints of a directory with golang.org/x/mod/sumdb, which shares no line with what
// wrote them: note.Open for every signature, tlog for the tree and for proofs between its sizes.
package main

import (
	"bufio"
	"bytes"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type hashes []tlog.Hash

func (h hashes) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	found := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		found[i] = h[index]
	}
	return found, nil
}

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func main() {
	key := strings.TrimSpace(string(must(os.ReadFile(os.Args[1]))))
	verifiers := note.VerifierList(must(note.NewVerifier(key)))
	files := must(filepath.Glob(filepath.Join(os.Args[2], "*", "*")))
	sort.Strings(files)
	var stored hashes
	var before tlog.Tree
	for _, file := range files {
		head, signed, found := bytes.Cut(must(os.ReadFile(file)), []byte("\n\n"))
		if !found {
			log.Fatalf("%s: no note", file)
		}
		size := before.N
		lines := bufio.NewScanner(bytes.NewReader(head))
		for lines.Scan() {
			if leaf, is := strings.CutPrefix(lines.Text(), "leaf "); is {
				more := must(tlog.StoredHashes(size, []byte(leaf+"\n"), stored))
				stored = append(stored, more...)
				size++
			}
		}
		opened := must(note.Open(signed, verifiers))
		var tree tlog.Tree
		var root string
		text := strings.Split(opened.Text, "\n")
		if len(text) != 4 {
			log.Fatalf("%s: %d lines", file, len(text))
		}
		must(fmt.Sscan(text[1], &tree.N))
		root = text[2]
		tree.Hash = must(tlog.ParseHash(root))
		if tree.N != size || must(tlog.TreeHash(size, stored)) != tree.Hash {
			log.Fatalf("%s: its leaves do not lead to its root", file)
		}
		if before.N > 0 {
			proof := must(tlog.ProveTree(tree.N, before.N, stored))
			if err := tlog.CheckTree(proof, tree.N, tree.Hash, before.N, before.Hash); err != nil {
				log.Fatal(err)
			}
		}
		before = tree
	}
	fmt.Printf("%d checkpoints, %d leaves\n", len(files), before.N)
}
